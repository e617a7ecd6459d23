// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/checkpoint/checkpoint.h"
#include "kernels/formats/ggml_type.h"

namespace quantscope {

/// The type of a ggml type id (ggml.h, enum ggml_type), if it is one that is read.
std::optional<StoredType> stored_type_of_ggml(std::uint32_t id);
/// The ggml type that stores the same bytes, if there is one.
std::optional<GgmlType> ggml_type_of(StoredType type);
/// The name of a ggml type id for messages: "Q4_K", "unknown".
std::string_view ggml_type_name(std::uint32_t id);
/// The type of a safetensors dtype ("BF16"), if it is one that is read.
std::optional<StoredType> stored_type_of_safetensors(std::string_view dtype);

/// The type of plain values that a device holds as they are; nothing for F64 and blocks.
std::optional<DataType> plain_data_type(StoredType type);

/// Bytes of a tensor of this shape; nothing if the dimensions are negative, do not fit the blocks or overflow.
std::optional<std::uint64_t> stored_bytes(StoredType type, std::span<const std::int64_t> shape);

/// Decodes `values.size()` values from `source`, which holds at least that many in whole blocks. Exact for plain
/// types; one fp32 rounding per operation for blocks (kernels/formats/ggml_decode.h).
void decode_stored(StoredType type, const std::byte* source, std::span<float> values);

}  // namespace quantscope
