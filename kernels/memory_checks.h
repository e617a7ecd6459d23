// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/backend.h"

/// What every device checks before it places or moves data. Each fails with invalid_argument and names the sizes that
/// do not agree, unless said otherwise.
namespace quantscope {

/// Bytes of a buffer of fp32 values.
Result<std::int64_t> buffer_bytes(std::int64_t row_capacity, std::int64_t columns);
/// `values` host values are exactly `rows` rows of the buffer.
Result<void> check_copy(const Buffer& buffer, std::int64_t rows, std::size_t values);
/// Codes and scales are as long as the format says: kernels read them without looking.
Result<void> check_parts(const QuantizedTensor& tensor);
/// The rows exist and `values` is as large as they are.
Result<void> check_decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count, std::size_t values);
/// A KV cache of this shape can be; fails with unsupported for types that have scales.
Result<void> check_kv_shape(const KvShape& shape);
/// Both pages exist.
Result<void> check_page_copy(const KvShape& shape, std::int32_t from, std::int32_t to);

}  // namespace quantscope
