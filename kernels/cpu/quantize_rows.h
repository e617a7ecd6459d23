// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "kernels/backend.h"
#include "kernels/quantized_tensor.h"

/// The CPU quantizer. Its codes and scales are those of kernels/cpu/reference/encode.h bit for bit at every level and
/// for every number of threads.
namespace quantscope {

/// Instruction sets of the quantizer.
enum class EncodeLevel : std::uint8_t { scalar, avx2, avx512 };

/// The best level that this CPU has.
EncodeLevel best_encode_level();

/// Calls body(i) for every i in [0, count), possibly from several threads at the same time, and returns when all are
/// done.
using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& body)>;

/// reference::encode_values with SIMD. May run on several threads at once for disjoint ranges.
void encode_values(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax,
                   EncodeLevel level);

/// How a matrix is to be quantized and with what.
struct QuantizeRequest {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  WeightFormat format;
  MemoryTag codes_tag = MemoryTag::codes;
  EncodeLevel level = EncodeLevel::scalar;
};

/// Reads the rows in tiles and encodes them. Beside the result it holds at most 16 MiB (or one row and one block, if
/// those are larger) of workspace, plus the plain absmax of all blocks under double quantization. Fails with the
/// reader's error, with cancelled between tiles, or when the format is none of: dense, flat blocks of even size, int8
/// per row, a ggml type that can be encoded.
Result<QuantizedTensor> quantize_matrix(const RowReader& source, const QuantizeRequest& request, MemoryLedger& ledger,
                                        const ParallelFor& parallel_for, std::stop_token stop);

}  // namespace quantscope
