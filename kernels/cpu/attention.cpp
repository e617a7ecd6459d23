// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>

namespace quantscope {
namespace {

/// Heads [first_head, first_head + heads) of one row; all read the same keys and values.
struct Query {
  RowPlace place;
  std::int64_t kv_head = 0;
  std::int64_t first_head = 0;
  int heads = 1;
};

/// Positions that a row sees.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Range visible(std::int64_t position, std::int64_t window) {
  return {window > 0 ? std::max<std::int64_t>(0, position + 1 - window) : 0, position + 1};
}

std::vector<Query> split(std::span<const RowPlace> places, const AttentionShape& shape) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  std::vector<Query> queries;
  for (const RowPlace& place : places) {
    for (std::int64_t kv_head = 0; kv_head < shape.kv_heads; ++kv_head) {
      for (std::int64_t h = 0; h < group; h += max_query_heads) {
        const auto heads = static_cast<int>(std::min<std::int64_t>(max_query_heads, group - h));
        queries.push_back({place, kv_head, kv_head * group + h, heads});
      }
    }
  }
  return queries;
}

void scale_scores(std::span<float> scores, const AttentionShape& shape) {
  for (float& score : scores) score *= shape.scale;
  if (shape.soft_cap == 0.0F) return;
  for (float& score : scores) score = shape.soft_cap * std::tanh(score / shape.soft_cap);
}

class AttentionTask {
 public:
  AttentionTask(const SimdKernels& kernels, const AttentionShape& shape, const CpuKvStorage& storage,
                std::int64_t score_stride)
      : kernels_(kernels),
        kernel_(kernels.attention[static_cast<std::size_t>(storage.shape.type)]),
        shape_(shape),
        storage_(storage),
        score_stride_(score_stride) {}

  void run(const Query& query, const float* q, float* scores, float* output) const {
    const std::int64_t row_width = shape_.heads * shape_.head_dim;
    const std::int64_t at = query.place.row * row_width + query.first_head * shape_.head_dim;
    const Range range = visible(query.place.position, shape_.window);
    score(query, range, q + at, scores);
    float sums[max_query_heads];
    for (int h = 0; h < query.heads; ++h) sums[h] = normalize(range, scores + h * score_stride_);
    std::fill_n(output + at, query.heads * shape_.head_dim, 0.0F);
    add_values(query, range, scores, output + at);
    for (int h = 0; h < query.heads; ++h) {
      for (std::int64_t d = 0; d < shape_.head_dim; ++d) output[at + h * shape_.head_dim + d] /= sums[h];
    }
  }

 private:
  /// Scores lie at their position, counted from the first page that is visible.
  std::int64_t first_page(const Range& range) const { return range.begin / storage_.shape.page_tokens; }

  void score(const Query& query, const Range& range, const float* q, float* scores) const {
    const std::int64_t page_tokens = storage_.shape.page_tokens;
    const std::int64_t first = first_page(range);
    for (std::int64_t page = first; page * page_tokens < range.end; ++page) {
      const std::int32_t id = query.place.pages[static_cast<std::size_t>(page)];
      const KeyPage keys{storage_.keys(shape_.layer, id, query.kv_head), shape_.head_dim, page_tokens,
                         std::min(page_tokens, range.end - page * page_tokens)};
      kernel_.scores(keys, q, query.heads, scores + (page - first) * page_tokens, score_stride_);
    }
  }

  /// Turns scores into exponentials and returns their sum.
  float normalize(const Range& range, float* scores) const {
    float* const begin = scores + (range.begin - first_page(range) * storage_.shape.page_tokens);
    const std::int64_t count = range.end - range.begin;
    scale_scores({begin, static_cast<std::size_t>(count)}, shape_);
    return kernels_.exponentials(begin, count, kernels_.maximum(begin, count));
  }

  void add_values(const Query& query, const Range& range, const float* weights, float* output) const {
    const std::int64_t page_tokens = storage_.shape.page_tokens;
    const std::int64_t first = first_page(range);
    const std::int64_t token_bytes = shape_.head_dim * data_type_info(storage_.shape.type).bits / 8;
    for (std::int64_t page = first; page * page_tokens < range.end; ++page) {
      const std::int64_t begin = std::max(range.begin, page * page_tokens) - page * page_tokens;
      const std::int64_t end = std::min(range.end - page * page_tokens, page_tokens);
      const std::int32_t id = query.place.pages[static_cast<std::size_t>(page)];
      const std::byte* values = storage_.values(shape_.layer, id, query.kv_head) + begin * token_bytes;
      kernel_.accumulate(values, end - begin, shape_.head_dim, weights + (page - first) * page_tokens + begin,
                         score_stride_, query.heads, output);
    }
  }

  const SimdKernels& kernels_;
  const AttentionKernel& kernel_;
  const AttentionShape& shape_;
  const CpuKvStorage& storage_;
  std::int64_t score_stride_;
};
}  // namespace

Result<void> attend(CpuContext& context, const float* q, const AttentionShape& shape, std::span<const RowPlace> places,
                    const CpuKvStorage& storage, float* output) {
  std::int64_t longest = 0;
  for (const RowPlace& place : places) {
    const Range range = visible(place.position, shape.window);
    longest = std::max(longest, range.end - range.begin);
  }
  const std::int64_t page_tokens = storage.shape.page_tokens;
  auto reserved = context.reserve(WorkerScratch::scores, score_bytes(longest, page_tokens));
  if (!reserved) return reserved;
  const std::vector<Query> queries = split(places, shape);
  const AttentionTask task(context.kernels(), shape, storage, score_stride_of(longest, page_tokens));
  return context.for_each(std::ssize(queries), [&](std::int64_t index, int worker) {
    // Long rows come last in a prompt; they start first, so that no thread is left with the longest one at the end.
    const Query& query = queries[queries.size() - 1 - static_cast<std::size_t>(index)];
    task.run(query, q, context.worker_scratch<float>(worker, WorkerScratch::scores), output);
  });
}

}  // namespace quantscope
