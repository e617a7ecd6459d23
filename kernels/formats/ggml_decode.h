// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_type.h"

/// Any ggml type behind one call, for the host.
namespace quantscope {

/// Decodes `count` values from whole blocks, in the order of the file; `values` holds them all. Every value has the
/// bits that ggml's dequantize_row functions give (without fused multiply-adds). Precondition: count is a multiple of
/// ggml_type_info(type).block_values.
void decode_ggml(GgmlType type, const std::byte* blocks, std::int64_t count, float* values);

}  // namespace quantscope
