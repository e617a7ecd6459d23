// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/quantized_tensor.h"

/// The plain loops that every faster path is compared with. One value at a time, in the order of the definition.
namespace quantscope::reference {

/// The absmax of block (or row) `index`, out of its code where scales are nested.
float decoded_absmax(const QuantizedTensor& tensor, std::int64_t index);

/// Decoded fp32 values of rows [first_row, first_row + row_count), row-major, `values` holds row_count * columns.
/// Precondition: the parts of the tensor have the sizes of its format.
void decode_rows(const QuantizedTensor& tensor, std::int64_t first_row, std::int64_t row_count,
                 std::span<float> values);

}  // namespace quantscope::reference
