// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// What attention and the KV cache do on every device.
namespace quantscope::testing {

/// Two sequences of a batch, one of them of a single row.
inline void expect_sequences_do_not_see_each_other(Backend& backend) {
  const AttentionShape shape{0, 2, 1, 16, 0.25F};
  auto kv = backend.create_kv({1, 1, 16, 4, 4, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(backend, random_values(5 * 32, 1), 5);
  const auto k = create_filled(backend, random_values(5 * 16, 2), 5);
  const auto v_values = random_values(5 * 16, 3);
  const auto v = create_filled(backend, v_values, 5);
  const auto out = create_filled(backend, std::vector<float>(5 * 32), 5);
  const std::int32_t pages_a[] = {0, 2};
  const std::int32_t pages_b[] = {1};
  const SequenceRows sequences[] = {{pages_a, 0, 0, 4}, {pages_b, 0, 4, 1}};
  ASSERT_TRUE(backend.rope_append(*q, *k, *v, shape, {}, sequences, **kv).has_value());
  ASSERT_TRUE(backend.attention(*q, shape, sequences, **kv, *out).has_value());
  const auto result = values_of(backend, *out, 5);
  // A row that is alone in its sequence sees only its own value.
  for (std::size_t i = 0; i < 32; ++i) EXPECT_FLOAT_EQ(result[4 * 32 + i], v_values[4 * 16 + i % 16]);
}

inline void expect_copied_pages_to_hold_the_same(Backend& backend) {
  const AttentionShape shape{1, 1, 1, 8, 1.0F};
  auto kv = backend.create_kv({2, 1, 8, 4, 2, DataType::bf16});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(backend, random_values(3 * 8, 4), 3);
  const auto out = create_filled(backend, std::vector<float>(3 * 8), 3);
  const std::int32_t original = 0;
  const std::int32_t copied = 1;
  const SequenceRows first{{&original, 1}, 0, 0, 3};
  const SequenceRows second{{&copied, 1}, 0, 0, 3};
  ASSERT_TRUE(backend.rope_append(*q, *q, *q, shape, {}, {&first, 1}, **kv).has_value());
  ASSERT_TRUE(backend.copy_kv_page(**kv, original, copied).has_value());
  ASSERT_TRUE(backend.attention(*q, shape, {&first, 1}, **kv, *out).has_value());
  const auto expected = values_of(backend, *out, 3);
  ASSERT_TRUE(backend.attention(*q, shape, {&second, 1}, **kv, *out).has_value());
  EXPECT_EQ(values_of(backend, *out, 3), expected);
  EXPECT_FALSE(backend.copy_kv_page(**kv, 0, 2).has_value());
}

/// Two rows at large positions, without and with what lies in the cache.
inline void expect_rotation_of_the_reference(Backend& backend) {
  const std::vector<float> frequencies = {1.0F, 0.1F, 0.01F, 0.001F};
  const AttentionShape shape{0, 2, 1, 8, 1.0F};
  auto kv = backend.create_kv({1, 1, 8, 32, 40, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  std::vector<std::int32_t> pages(40);
  for (std::size_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<std::int32_t>(i);
  const auto q_values = random_values(2 * 16, 5);
  const auto k_values = random_values(2 * 8, 6);
  const auto v_values = random_values(2 * 8, 7);
  const auto q = create_filled(backend, q_values, 2);
  const auto k = create_filled(backend, k_values, 2);
  const auto v = create_filled(backend, v_values, 2);
  const SequenceRows sequence{pages, 1000, 0, 2};
  ASSERT_TRUE(backend.rope_append(*q, *k, *v, shape, frequencies, {&sequence, 1}, **kv).has_value());
  std::vector<double> queries, keys;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto position = 1000 + static_cast<std::int64_t>(i / 2);
    const auto head = reference::rope({q_values.data() + i * 8, 8}, position, frequencies);
    queries.insert(queries.end(), head.begin(), head.end());
  }
  expect_near(values_of(backend, *q, 2), queries, 1e-6, "rotated queries");

  // What lies in the cache shows in the attention of a window that holds the two rows.
  AttentionShape last_two = shape;
  last_two.window = 2;
  const auto out = create_filled(backend, std::vector<float>(2 * 16), 2);
  const SequenceRows second_row{pages, 1001, 1, 1};
  ASSERT_TRUE(backend.attention(*q, last_two, {&second_row, 1}, **kv, *out).has_value());
  std::vector<float> rotated_keys;
  for (std::size_t row = 0; row < 2; ++row) {
    const auto key =
        reference::rope({k_values.data() + row * 8, 8}, 1000 + static_cast<std::int64_t>(row), frequencies);
    rotated_keys.insert(rotated_keys.end(), key.begin(), key.end());
  }
  const std::vector<float> query(queries.begin() + 16, queries.begin() + 24);
  const auto expected = reference::attend(query, rotated_keys, v_values, 1.0F, 0.0F);
  const auto result = values_of(backend, *out, 2);
  expect_near({result.begin() + 16, result.begin() + 24}, expected, 1e-5, "attention over rotated keys");
}

inline void expect_refusal_of_missing_pages_and_rows(Backend& backend) {
  const AttentionShape shape{0, 1, 1, 8, 1.0F};
  auto kv = backend.create_kv({1, 1, 8, 4, 2, DataType::fp32});
  ASSERT_TRUE(kv.has_value());
  const auto q = create_filled(backend, random_values(3 * 8, 7), 3);
  const std::int32_t pages[] = {0};
  const std::int32_t missing[] = {2};
  for (const SequenceRows& sequence : {SequenceRows{pages, 2, 0, 3}, SequenceRows{pages, 0, 1, 3},
                                       SequenceRows{missing, 0, 0, 3}, SequenceRows{pages, -1, 0, 1}}) {
    const auto done = backend.attention(*q, shape, {&sequence, 1}, **kv, *q);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
  }
}

}  // namespace quantscope::testing
