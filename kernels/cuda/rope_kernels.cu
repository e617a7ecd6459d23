// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/rope_kernels.h"

#include "kernels/cuda/kv_storage.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ptx.h"

namespace quantscope::cuda {
namespace {

/// One pair of dimensions of a query, a key or a value per thread.
__global__ void rope_kernel(const __grid_constant__ RopeArguments a) {
  ptx::let_next_kernel_start();
  const int head_dim = static_cast<int>(a.cache.head_dim);
  const int half = (head_dim + 1) / 2;
  const int heads = static_cast<int>(a.batch.heads);
  const int kv_heads = static_cast<int>(a.cache.kv_heads);
  const std::int64_t i = thread_number();
  const std::int64_t per_row = static_cast<std::int64_t>(heads + 2 * kv_heads) * half;
  if (i >= a.batch.count * per_row) return;
  const RowLocation location = a.batch.locations[i / per_row];
  const int rest = static_cast<int>(i % per_row);
  const int head = rest / half;
  const int pair = rest % half;
  const bool rotated = a.inverse_frequencies != nullptr && head < heads + kv_heads;
  if (head < heads && !rotated) return;
  float* const q = a.q + (location.row * heads + head) * head_dim;
  const float* from = q;
  if (head >= heads) {
    const float* const rows = head < heads + kv_heads ? a.k : a.v;
    from = rows + (location.row * kv_heads + (head - heads) % kv_heads) * head_dim;
  }
  const bool whole = half + pair < head_dim;
  // Where the row stands was copied before the pass: only its values come from the kernel before.
  float cosine = 1.0F;
  float sine = 0.0F;
  if (rotated) {
    const float angle = static_cast<float>(location.position) * a.inverse_frequencies[pair];
    cosine = cosf(angle);
    sine = sinf(angle);
  }
  ptx::wait_for_earlier_kernels();
  float first = from[pair];
  float second = whole ? from[half + pair] : 0.0F;
  if (rotated) {
    const float turned = first * cosine - second * sine;
    second = second * cosine + first * sine;
    first = turned;
  }
  if (head < heads) {
    q[pair] = first;
    q[half + pair] = second;
    return;
  }
  std::int64_t to = key_index(a.cache, a.batch, location, location.position, (head - heads) % kv_heads);
  if (head >= heads + kv_heads) to += value_offset(a.cache);
  store(a.cache, to + pair, first);
  if (whole) store(a.cache, to + half + pair, second);
}
}  // namespace

cudaError_t rotate_and_append(cudaStream_t stream, const RopeArguments& arguments) {
  const std::int64_t pairs = (arguments.cache.head_dim + 1) / 2;
  Blocks blocks;
  blocks.x =
      (arguments.batch.count * (arguments.batch.heads + 2 * arguments.cache.kv_heads) * pairs + threads_per_block - 1) /
      threads_per_block;
  blocks.overlapped = true;
  return launch_blocks(stream, blocks, rope_kernel, arguments);
}

}  // namespace quantscope::cuda
