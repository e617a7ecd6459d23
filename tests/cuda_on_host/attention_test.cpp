// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "kernels/cpu/reference/operations.h"
#include "tests/cuda_on_host/gpu_test.h"

namespace quantscope::testing {
namespace {

float rounded_to(DataType type, float value) {
  if (type == DataType::fp16) return round_to(ComputeType::fp16, value);
  return type == DataType::bf16 ? round_to(ComputeType::bf16, value) : value;
}

struct Case {
  std::int64_t heads, kv_heads, head_dim, page_tokens;
  DataType type;
  std::int64_t window = 0;
  float soft_cap = 0.0F;
};

/// Queries, keys and values of one sequence, and what attention makes of them.
class Scene {
 public:
  Scene(Case shape, std::int64_t length) : shape_(shape), length_(length) {
    q_ = random_values(length * shape.heads * shape.head_dim, 30);
    k_ = random_values(length * shape.kv_heads * shape.head_dim, 31);
    v_ = random_values(length * shape.kv_heads * shape.head_dim, 32);
  }

  AttentionShape attention(std::int64_t layer) const {
    const float scale = 1.0F / std::sqrt(static_cast<float>(shape_.head_dim));
    return {layer, shape_.heads, shape_.kv_heads, shape_.head_dim, scale, shape_.window, shape_.soft_cap};
  }

  /// Runs in passes that end at the given positions, over pages in descending order.
  std::vector<float> run(Backend& backend, const std::vector<std::int64_t>& ends) const {
    const std::int64_t pages = (length_ + shape_.page_tokens - 1) / shape_.page_tokens;
    auto kv = backend.create_kv({2, shape_.kv_heads, shape_.head_dim, shape_.page_tokens, pages + 2, shape_.type});
    EXPECT_TRUE(kv.has_value());
    std::vector<std::int32_t> page_ids;
    for (std::int64_t p = 0; p < pages; ++p) page_ids.push_back(static_cast<std::int32_t>(pages + 1 - p));
    std::vector<float> result;
    std::int64_t first = 0;
    for (const std::int64_t end : ends) {
      const std::int64_t rows = end - first;
      const auto q = create_filled(backend, part(q_, first, end), rows);
      const auto k = create_filled(backend, part(k_, first, end), rows);
      const auto v = create_filled(backend, part(v_, first, end), rows);
      const auto out = create_filled(backend, part(q_, first, end), rows);
      const SequenceRows sequence{page_ids, first, 0, rows};
      EXPECT_TRUE(backend.rope_append(*q, *k, *v, attention(1), {}, {&sequence, 1}, **kv).has_value());
      EXPECT_TRUE(backend.attention(*q, attention(1), {&sequence, 1}, **kv, *out).has_value());
      const auto values = values_of(backend, *out, rows);
      result.insert(result.end(), values.begin(), values.end());
      first = end;
    }
    return result;
  }

  std::vector<double> expected() const {
    std::vector<double> result;
    for (std::int64_t p = 0; p < length_; ++p) {
      const std::int64_t begin = shape_.window > 0 ? std::max<std::int64_t>(0, p + 1 - shape_.window) : 0;
      for (std::int64_t h = 0; h < shape_.heads; ++h) {
        const std::int64_t kv_head = h / (shape_.heads / shape_.kv_heads);
        const auto row = reference::attend(
            {q_.data() + (p * shape_.heads + h) * shape_.head_dim, static_cast<std::size_t>(shape_.head_dim)},
            seen(k_, kv_head, begin, p + 1), seen(v_, kv_head, begin, p + 1), attention(0).scale, shape_.soft_cap);
        result.insert(result.end(), row.begin(), row.end());
      }
    }
    return result;
  }

 private:
  std::vector<float> part(const std::vector<float>& values, std::int64_t first, std::int64_t end) const {
    const std::int64_t width = std::ssize(values) / length_;
    return {values.begin() + first * width, values.begin() + end * width};
  }
  std::vector<float> seen(const std::vector<float>& values, std::int64_t kv_head, std::int64_t begin,
                          std::int64_t end) const {
    std::vector<float> result;
    for (std::int64_t p = begin; p < end; ++p) {
      for (std::int64_t d = 0; d < shape_.head_dim; ++d) {
        const std::int64_t at = (p * shape_.kv_heads + kv_head) * shape_.head_dim + d;
        result.push_back(rounded_to(shape_.type, values[static_cast<std::size_t>(at)]));
      }
    }
    return result;
  }

  Case shape_;
  std::int64_t length_;
  std::vector<float> q_, k_, v_;
};

class CudaAttention : public GpuTest {};

TEST_F(CudaAttention, AgreesWithTheReference) {
  const auto backend = create_gpu();
  const Case cases[] = {
      {1, 1, 8, 32, DataType::fp32},     {4, 2, 32, 32, DataType::fp16}, {9, 3, 64, 32, DataType::bf16},
      {4, 1, 80, 8, DataType::fp32},     {3, 1, 20, 5, DataType::bf16},  {6, 2, 64, 32, DataType::fp32, 13},
      {4, 2, 32, 7, DataType::fp32, 40}, {2, 1, 7, 1, DataType::fp32},   {2, 1, 64, 32, DataType::fp32, 0, 20.0F},
  };
  for (const Case& shape : cases) {
    const Scene scene(shape, 53);
    expect_near(scene.run(*backend, {53}), scene.expected(), 5e-6,
                "heads " + std::to_string(shape.heads) + ", size " + std::to_string(shape.head_dim) + ", window " +
                    std::to_string(shape.window));
  }
}

TEST_F(CudaAttention, DoesNotDependOnHowASequenceIsCut) {
  const auto backend = create_gpu();
  const Scene scene({6, 2, 24, 12, DataType::fp16, 30}, 47);
  const auto whole = scene.run(*backend, {47});
  EXPECT_EQ(whole, scene.run(*backend, {1, 2, 12, 13, 40, 47}));
  EXPECT_EQ(whole, scene.run(*backend, {33, 47}));
}

TEST_F(CudaAttention, CutsLongBatchesToTheWorkspaceItMayHave) {
  const auto backend = create_gpu();
  const Scene scene({64, 1, 2, 32, DataType::fp32}, 520);  // more than 64 MiB of scores
  const auto actual = scene.run(*backend, {520});
  EXPECT_LT(backend->ledger().peak()[MemoryTag::workspace], 70 << 20);
  const auto expected = scene.run(*create_cpu(), {520});
  expect_near(actual, {expected.begin(), expected.end()}, 5e-6, "long batch");
}

TEST_F(CudaAttention, SequencesOfABatchDoNotSeeEachOther) {
  const auto backend = create_gpu();
  const AttentionShape shape{0, 2, 1, 16, 0.25F};
  auto kv = backend->create_kv({1, 1, 16, 4, 4, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(*backend, random_values(5 * 32, 1), 5);
  const auto k = create_filled(*backend, random_values(5 * 16, 2), 5);
  const auto v_values = random_values(5 * 16, 3);
  const auto v = create_filled(*backend, v_values, 5);
  const auto out = create_filled(*backend, std::vector<float>(5 * 32), 5);
  const std::int32_t pages_a[] = {0, 2};
  const std::int32_t pages_b[] = {1};
  const SequenceRows sequences[] = {{pages_a, 0, 0, 4}, {pages_b, 0, 4, 1}};
  ASSERT_TRUE(backend->rope_append(*q, *k, *v, shape, {}, sequences, **kv).has_value());
  ASSERT_TRUE(backend->attention(*q, shape, sequences, **kv, *out).has_value());
  const auto result = values_of(*backend, *out, 5);
  // A row that is alone in its sequence sees only its own value.
  for (std::size_t i = 0; i < 32; ++i) EXPECT_FLOAT_EQ(result[4 * 32 + i], v_values[4 * 16 + i % 16]);
}

TEST_F(CudaAttention, CopiedPagesHoldTheSameKeysAndValues) {
  const auto backend = create_gpu();
  const AttentionShape shape{1, 1, 1, 8, 1.0F};
  auto kv = backend->create_kv({2, 1, 8, 4, 2, DataType::bf16});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(*backend, random_values(3 * 8, 4), 3);
  const auto out = create_filled(*backend, std::vector<float>(3 * 8), 3);
  const std::int32_t original = 0;
  const std::int32_t copied = 1;
  const SequenceRows first{{&original, 1}, 0, 0, 3};
  const SequenceRows second{{&copied, 1}, 0, 0, 3};
  ASSERT_TRUE(backend->rope_append(*q, *q, *q, shape, {}, {&first, 1}, **kv).has_value());
  ASSERT_TRUE(backend->copy_kv_page(**kv, original, copied).has_value());
  ASSERT_TRUE(backend->attention(*q, shape, {&first, 1}, **kv, *out).has_value());
  const auto expected = values_of(*backend, *out, 3);
  ASSERT_TRUE(backend->attention(*q, shape, {&second, 1}, **kv, *out).has_value());
  EXPECT_EQ(values_of(*backend, *out, 3), expected);
  EXPECT_FALSE(backend->copy_kv_page(**kv, 0, 2).has_value());
}

TEST_F(CudaAttention, RotatesQueriesAndKeysAsTheReference) {
  const auto backend = create_gpu();
  const std::vector<float> frequencies = {1.0F, 0.1F, 0.01F, 0.001F};
  const AttentionShape shape{0, 2, 1, 8, 1.0F};
  auto kv = backend->create_kv({1, 1, 8, 32, 40, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  std::vector<std::int32_t> pages(40);
  for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<std::int32_t>(i);
  const auto q_values = random_values(2 * 16, 5);
  const auto k_values = random_values(2 * 8, 6);
  const auto v_values = random_values(2 * 8, 7);
  const auto q = create_filled(*backend, q_values, 2);
  const auto k = create_filled(*backend, k_values, 2);
  const auto v = create_filled(*backend, v_values, 2);
  const SequenceRows sequence{pages, 1000, 0, 2};
  ASSERT_TRUE(backend->rope_append(*q, *k, *v, shape, frequencies, {&sequence, 1}, **kv).has_value());
  std::vector<double> queries, keys;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto position = 1000 + static_cast<std::int64_t>(i / 2);
    const auto head = reference::rope({q_values.data() + i * 8, 8}, position, frequencies);
    queries.insert(queries.end(), head.begin(), head.end());
  }
  expect_near(values_of(*backend, *q, 2), queries, 1e-6, "rotated queries");

  // What lies in the cache shows in the attention of a window that holds the two rows.
  AttentionShape last_two = shape;
  last_two.window = 2;
  const auto out = create_filled(*backend, std::vector<float>(2 * 16), 2);
  const SequenceRows second_row{pages, 1001, 1, 1};
  ASSERT_TRUE(backend->attention(*q, last_two, {&second_row, 1}, **kv, *out).has_value());
  std::vector<float> rotated_keys;
  for (std::size_t row = 0; row < 2; ++row) {
    const auto key =
        reference::rope({k_values.data() + row * 8, 8}, 1000 + static_cast<std::int64_t>(row), frequencies);
    rotated_keys.insert(rotated_keys.end(), key.begin(), key.end());
  }
  const std::vector<float> query(queries.begin() + 16, queries.begin() + 24);
  const auto expected = reference::attend(query, rotated_keys, v_values, 1.0F, 0.0F);
  const auto result = values_of(*backend, *out, 2);
  expect_near({result.begin() + 16, result.begin() + 24}, expected, 1e-5, "attention over rotated keys");
}

TEST_F(CudaAttention, RefusesPagesAndRowsThatDoNotExist) {
  const auto backend = create_gpu();
  const AttentionShape shape{0, 1, 1, 8, 1.0F};
  auto kv = backend->create_kv({1, 1, 8, 4, 2, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(*backend, random_values(3 * 8, 7), 3);
  const std::int32_t pages[] = {0};
  const std::int32_t missing[] = {2};
  for (const SequenceRows& sequence : {SequenceRows{pages, 2, 0, 3}, SequenceRows{pages, 0, 1, 3},
                                       SequenceRows{missing, 0, 0, 3}, SequenceRows{pages, -1, 0, 1}}) {
    const auto done = backend->attention(*q, shape, {&sequence, 1}, **kv, *q);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace
}  // namespace quantscope::testing
