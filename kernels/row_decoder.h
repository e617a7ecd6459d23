// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/quantized_tensor.h"

/// Decoding of whole rows, many values at a time, for formats that have no kernel of their own. Bit for bit what
/// kernels/cpu/reference/decode.h gives, on every CPU.
namespace quantscope {

/// True for affine codes and FP8.
bool has_row_decoder(const WeightFormat& format);

/// Decoded fp32 values of rows [first_row, first_row + row_count), row-major; `values` holds row_count * columns.
/// Precondition: has_row_decoder(tensor.format), and check_parts(tensor) holds (kernels/memory_checks.h).
void decode_rows(const QuantizedTensor& tensor, std::int64_t first_row, std::int64_t row_count,
                 std::span<float> values);

}  // namespace quantscope
