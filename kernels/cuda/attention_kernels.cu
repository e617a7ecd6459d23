// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/attention_kernels.h"

#include <cmath>

#include "kernels/cuda/launch.h"
#include "kernels/formats/half.h"

namespace quantscope::cuda {
namespace {

/// Element index in the cache of a head's key at a position; its value lies half a page further.
__device__ std::int64_t key_index(const KvView& cache, const Batch& batch, const RowLocation& location,
                                  std::int64_t position, std::int64_t kv_head) {
  const std::int64_t page = batch.pages[location.first_page + position / cache.page_tokens];
  const std::int64_t head_page = (batch.layer * cache.pages + page) * cache.kv_heads + kv_head;
  return (2 * head_page * cache.page_tokens + position % cache.page_tokens) * cache.head_dim;
}

__device__ std::int64_t value_offset(const KvView& cache) { return cache.page_tokens * cache.head_dim; }

__device__ float load(const KvView& cache, std::int64_t index) {
  if (cache.type == DataType::fp32) return static_cast<const float*>(cache.data)[index];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(cache.data)[index];
  return cache.type == DataType::fp16 ? fp16_to_fp32(bits) : bf16_to_fp32(bits);
}

__device__ void store(const KvView& cache, std::int64_t index, float value) {
  if (cache.type == DataType::fp32) {
    static_cast<float*>(cache.data)[index] = value;
  } else {
    static_cast<std::uint16_t*>(cache.data)[index] =
        cache.type == DataType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value);
  }
}

__device__ float angle_of(const RopeArguments& a, std::int64_t position, std::int64_t pair) {
  return static_cast<float>(position) * a.inverse_frequencies[pair];
}

/// One pair of one query head per thread.
__global__ void rotate_kernel(RopeArguments a) {
  const std::int64_t half = a.cache.head_dim / 2;
  const std::int64_t i = thread_number();
  if (i >= a.batch.count * a.batch.heads * half) return;
  const RowLocation location = a.batch.locations[i / half / a.batch.heads];
  const std::int64_t pair = i % half;
  float* head = a.q + (location.row * a.batch.heads + i / half % a.batch.heads) * a.cache.head_dim;
  const float angle = angle_of(a, location.position, pair);
  const float first = head[pair];
  const float second = head[half + pair];
  head[pair] = first * cosf(angle) - second * sinf(angle);
  head[half + pair] = second * cosf(angle) + first * sinf(angle);
}

__device__ float rotated_key(const RopeArguments& a, const float* head, std::int64_t position, std::int64_t d) {
  if (a.inverse_frequencies == nullptr) return head[d];
  const std::int64_t half = a.cache.head_dim / 2;
  const float angle = angle_of(a, position, d % half);
  const float other = d < half ? -head[half + d] : head[d - half];
  return head[d] * cosf(angle) + other * sinf(angle);
}

/// One element of a key and of a value per thread.
__global__ void append_kernel(RopeArguments a) {
  const std::int64_t i = thread_number();
  const std::int64_t head_dim = a.cache.head_dim;
  if (i >= a.batch.count * a.cache.kv_heads * head_dim) return;
  const RowLocation location = a.batch.locations[i / head_dim / a.cache.kv_heads];
  const std::int64_t kv_head = i / head_dim % a.cache.kv_heads;
  const std::int64_t d = i % head_dim;
  const std::int64_t from = (location.row * a.cache.kv_heads + kv_head) * head_dim;
  const std::int64_t to = key_index(a.cache, a.batch, location, location.position, kv_head) + d;
  store(a.cache, to, rotated_key(a, a.k + from, location.position, d));
  store(a.cache, to + value_offset(a.cache), a.v[from + d]);
}

/// One head of one row.
struct Query {
  RowLocation location;
  std::int64_t head;
  std::int64_t kv_head;
  std::int64_t first_position;  // that it sees
  std::int64_t positions;       // how many it sees
};

/// Query number `index` of [count, heads].
__device__ Query query_at(const AttentionArguments& a, std::int64_t index) {
  Query query;
  query.location = a.batch.locations[index / a.batch.heads];
  query.head = index % a.batch.heads;
  query.kv_head = query.head / (a.batch.heads / a.cache.kv_heads);
  const std::int64_t end = query.location.position + 1;
  query.first_position = a.window > 0 && end > a.window ? end - a.window : 0;
  query.positions = end - query.first_position;
  return query;
}

/// One score per thread.
__global__ void score_kernel(AttentionArguments a) {
  const std::int64_t i = thread_number();
  if (i >= a.batch.count * a.batch.heads * a.score_stride) return;
  const Query query = query_at(a, i / a.score_stride);
  const std::int64_t offset = i % a.score_stride;
  if (offset >= query.positions) return;
  const float* q = a.q + (query.location.row * a.batch.heads + query.head) * a.cache.head_dim;
  const std::int64_t key = key_index(a.cache, a.batch, query.location, query.first_position + offset, query.kv_head);
  float score = 0.0F;
  for (std::int64_t d = 0; d < a.cache.head_dim; ++d) score = fmaf(q[d], load(a.cache, key + d), score);
  score *= a.scale;
  a.scores[i] = a.soft_cap == 0.0F ? score : a.soft_cap * tanhf(score / a.soft_cap);
}

/// Turns the scores of one query into exponentials and their sum; one query per thread.
__global__ void exponential_kernel(AttentionArguments a) {
  const std::int64_t i = thread_number();
  if (i >= a.batch.count * a.batch.heads) return;
  const std::int64_t positions = query_at(a, i).positions;
  float* scores = a.scores + i * a.score_stride;
  float maximum = scores[0];
  for (std::int64_t p = 1; p < positions; ++p) maximum = fmaxf(maximum, scores[p]);
  float sum = 0.0F;
  for (std::int64_t p = 0; p < positions; ++p) sum += scores[p] = expf(scores[p] - maximum);
  a.sums[i] = sum;
}

/// One output value per thread.
__global__ void weighted_value_kernel(AttentionArguments a) {
  const std::int64_t i = thread_number();
  const std::int64_t head_dim = a.cache.head_dim;
  if (i >= a.batch.count * a.batch.heads * head_dim) return;
  const std::int64_t number = i / head_dim;
  const Query query = query_at(a, number);
  const float* weights = a.scores + number * a.score_stride;
  float sum = 0.0F;
  for (std::int64_t p = 0; p < query.positions; ++p) {
    const std::int64_t key = key_index(a.cache, a.batch, query.location, query.first_position + p, query.kv_head);
    sum = fmaf(weights[p], load(a.cache, key + value_offset(a.cache) + i % head_dim), sum);
  }
  a.output[(query.location.row * a.batch.heads + query.head) * head_dim + i % head_dim] = sum / a.sums[number];
}
}  // namespace

cudaError_t rotate_and_append(cudaStream_t stream, const RopeArguments& arguments) {
  if (arguments.inverse_frequencies != nullptr) {
    const std::int64_t pairs = arguments.batch.count * arguments.batch.heads * (arguments.cache.head_dim / 2);
    if (const cudaError_t status = launch(stream, {pairs}, rotate_kernel, arguments); status != cudaSuccess) {
      return status;
    }
  }
  return launch(stream, {arguments.batch.count * arguments.cache.kv_heads * arguments.cache.head_dim}, append_kernel,
                arguments);
}

cudaError_t attend(cudaStream_t stream, const AttentionArguments& arguments) {
  const std::int64_t queries = arguments.batch.count * arguments.batch.heads;
  cudaError_t status = launch(stream, {queries * arguments.score_stride}, score_kernel, arguments);
  if (status != cudaSuccess) return status;
  status = launch(stream, {queries}, exponential_kernel, arguments);
  if (status != cudaSuccess) return status;
  return launch(stream, {queries * arguments.cache.head_dim}, weighted_value_kernel, arguments);
}

}  // namespace quantscope::cuda
