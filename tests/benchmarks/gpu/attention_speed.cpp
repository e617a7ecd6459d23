// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/benchmarks/gpu/attention_speed.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "tests/benchmarks/gpu/median_seconds.h"

namespace quantscope::benchmarks {
namespace {
constexpr int runs = 7;
constexpr int calls_per_run = 16;  // one synchronization for so many

Result<std::unique_ptr<Buffer>> random_rows(Backend& backend, std::int64_t rows, std::int64_t columns) {
  auto buffer = backend.create_buffer(rows, columns);
  if (!buffer) return buffer;
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (float& value : values) value = normal(generator);
  if (auto written = backend.write(**buffer, rows, values); !written) return tl::unexpected(written.error());
  return buffer;
}

Result<double> seconds_per_call(Backend& backend, const std::function<Result<void>()>& operation) {
  const auto calls = [&]() -> Result<void> {
    for (int call = 0; call < calls_per_run; ++call) {
      if (auto queued = operation(); !queued) return queued;
    }
    return {};
  };
  const auto seconds = median_seconds(
      runs, [&] { return backend.synchronize(); }, calls);
  if (!seconds) return seconds;
  return *seconds / calls_per_run;
}
}  // namespace

Result<double> attention_flops_per_second(Backend& backend, const PromptShape& shape) {
  KvShape cache{1, shape.kv_heads, shape.head_dim};
  cache.pages = (shape.rows + cache.page_tokens - 1) / cache.page_tokens;
  cache.type = shape.type;
  auto kv = backend.create_kv(cache);
  if (!kv) return tl::unexpected(kv.error());
  const auto q = random_rows(backend, shape.rows, shape.heads * shape.head_dim);
  if (!q) return tl::unexpected(q.error());
  const auto k = random_rows(backend, shape.rows, shape.kv_heads * shape.head_dim);
  if (!k) return tl::unexpected(k.error());
  const auto output = backend.create_buffer(shape.rows, shape.heads * shape.head_dim);
  if (!output) return tl::unexpected(output.error());
  std::vector<std::int32_t> pages(static_cast<std::size_t>(cache.pages));
  std::iota(pages.begin(), pages.end(), 0);
  const SequenceRows sequence{pages, 0, 0, shape.rows};
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
  const AttentionShape attention{0, shape.heads, shape.kv_heads, shape.head_dim, scale};
  if (auto done = backend.rope_append(**q, **k, **k, attention, {}, {&sequence, 1}, **kv); !done) {
    return tl::unexpected(done.error());
  }
  const auto seconds = seconds_per_call(backend, [&] {
    return backend.attention(**q, attention, {&sequence, 1}, **kv, **output);
  });
  if (!seconds) return tl::unexpected(seconds.error());
  const double positions = 0.5 * static_cast<double>(shape.rows) * static_cast<double>(shape.rows + 1);
  return 4.0 * static_cast<double>(shape.heads * shape.head_dim) * positions / *seconds;
}

}  // namespace quantscope::benchmarks
