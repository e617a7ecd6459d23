// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/quantized_tensor.h"

/// Encoding by plain loops, the counterpart of decode.h. A tensor is allocated, filled range by range with
/// encode_values and, under double quantization, finished with encode_absmax.
namespace quantscope::reference {

/// The absmax of one block: NaN passed over, subnormals counted as 0.
float block_absmax(std::span<const float> values);

/// Packed codes of one block, two per byte, the first in the high nibble. An odd last value is followed by the code of
/// zero. `packed` holds (values.size() + 1) / 2 bytes.
void encode_block(Levels levels, std::span<const float> values, float absmax, std::byte* packed);

/// Encodes the flat elements [first, first + values.size()) of `tensor` and writes the scale of each block or row that
/// they form to `absmax`, which has an entry for every scale of the tensor (tensor.scales itself unless nested).
/// Precondition: dense, flat blocks of even size, or one scale per row; the range begins at a block (or row) and ends
/// at one or at the end of the matrix.
void encode_values(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax);

/// Double quantization: stores the absmax of all blocks as codes of the dynamic map. The offset is their mean, summed
/// in float64 in order and rounded once.
void encode_absmax(std::span<const float> absmax, QuantizedTensor& tensor);

}  // namespace quantscope::reference
