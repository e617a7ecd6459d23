// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/decode_kernels.h"

#include "kernels/cuda/cursor_kernels.h"
#include "kernels/cuda/few_rows_codecs.h"
#include "kernels/cuda/few_rows_products.h"
#include "kernels/cuda/launch.h"

namespace quantscope::cuda {
namespace {
constexpr unsigned packed_threads = 256;
constexpr int chunks_per_thread = 4;

/// 32 values of packed 4-bit codes at a time, whose scale they share.
template <class Compute>
__global__ void packed_kernel(WeightView weight, std::int64_t first, std::int64_t count, int block_shift,
                              LocalTable<float, 16> levels, std::uint16_t* values) {
  __shared__ float2 pairs[256];
  __shared__ float dynamic_levels[256];
  pairs[threadIdx.x] = {levels.values[threadIdx.x / 16], levels.values[threadIdx.x % 16]};
  if (weight.nested_absmax != nullptr) dynamic_levels[threadIdx.x] = weight.dynamic_levels[threadIdx.x];
  __syncthreads();
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * packed_threads;
  const auto* const codes = static_cast<const unsigned char*>(weight.codes) + first / 2;
  for (std::int64_t chunk = thread_number(); chunk < count / 32; chunk += stride) {
    const uint4 loaded = ptx::load_streaming(codes + 16 * chunk);
    const std::int64_t block = (first + 32 * chunk) >> block_shift;
    float absmax = 0.0F;
    if (weight.nested_absmax == nullptr) {
      absmax = static_cast<const float*>(weight.scales)[block];
    } else {
      absmax = decode_nested_absmax(dynamic_levels[static_cast<const std::uint8_t*>(weight.scales)[block]],
                                    weight.nested_absmax[block / nested_block_size],
                                    weight.nested_absmax[weight.nested_blocks]);
    }
    const float factor = block_scale(weight.levels, absmax);
    const std::uint32_t words[4] = {loaded.x, loaded.y, loaded.z, loaded.w};
    auto* const target = reinterpret_cast<uint4*>(values + 32 * chunk);
#pragma unroll
    for (int word = 0; word < 4; ++word) {
      std::uint32_t packed[4];
#pragma unroll
      for (int byte = 0; byte < 4; ++byte) {
        const float2 pair = pairs[words[word] >> (8 * byte) & 255U];
        packed[byte] = Compute::pack(pair.x * factor, pair.y * factor);
      }
      target[word] = {packed[0], packed[1], packed[2], packed[3]};
    }
  }
}

int shift_of(std::int64_t power_of_two) {
  int shift = 0;
  while (std::int64_t{1} << shift < power_of_two) ++shift;
  return shift;
}

cudaError_t decode_packed(cudaStream_t stream, const WeightView& weight, std::int64_t first, std::int64_t count,
                          ComputeType compute, void* values) {
  Blocks blocks;
  blocks.threads = packed_threads;
  constexpr std::int64_t values_per_block = 32 * chunks_per_thread * static_cast<std::int64_t>(packed_threads);
  blocks.x = (count + values_per_block - 1) / values_per_block;
  const int shift = shift_of(weight.values_per_scale);
  auto* const target = static_cast<std::uint16_t*>(values);
  return launch_blocks(stream, blocks,
                       compute == ComputeType::fp16 ? packed_kernel<Float16Compute> : packed_kernel<Bfloat16Compute>,
                       weight, first, count, shift, levels_table(weight.levels), target);
}
}  // namespace

cudaError_t decode_rows(cudaStream_t stream, const RowsArguments& arguments) {
  return cursor_kernels(arguments.weight).decode(stream, arguments);
}

cudaError_t decode_operand(cudaStream_t stream, const RowsArguments& arguments) {
  const WeightView& weight = arguments.weight;
  if (arguments.narrow && weight.code_type == CodeType::packed4 && few_rows_fits(weight)) {
    return decode_packed(stream, weight, arguments.first_row * weight.columns, arguments.row_count * weight.columns,
                         arguments.compute, arguments.values);
  }
  return decode_rows(stream, arguments);
}

}  // namespace quantscope::cuda
