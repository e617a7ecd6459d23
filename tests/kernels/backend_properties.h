// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/reference/operations.h"
#include "tests/kernels/cpu_device.h"

/// What every device does with memory, weights, requests that cannot be met and a wish to stop.
namespace quantscope::testing {

/// Every allocation counts under its tag for as long as it lives.
inline void expect_allocations_under_their_tags(Backend& backend) {
  MemoryLedger& ledger = backend.ledger();
  const WeightFormat format = block_format(DataType::nf4, 64, true);
  {
    const auto weight = create_weight(backend, random_values(100 * 576, 1), 100, 576, format);
    const FormatBytes bytes = format_bytes(format, 100, 576);
    EXPECT_EQ(ledger.current()[MemoryTag::codes], bytes.codes);
    EXPECT_EQ(ledger.current()[MemoryTag::scales], bytes.scales);
  }
  EXPECT_EQ(ledger.current().weights(), 0);
  const KvShape shape{3, 2, 16, 32, 5, DataType::fp16};
  EXPECT_EQ(shape.bytes(), 2 * 3 * 2 * 16 * 32 * 5 * 2);
  {
    const auto kv = backend.create_kv(shape);
    EXPECT_EQ(ledger.current()[MemoryTag::kv_cache], shape.bytes());
    const std::int64_t before = ledger.current()[MemoryTag::workspace];
    const auto buffer = backend.create_buffer(7, 11);
    EXPECT_EQ(ledger.current()[MemoryTag::workspace], before + 7 * 11 * 4);
    // Where a driver counts, too, it comes to no less.
    const std::int64_t counted = backend.driver_bytes();
    EXPECT_TRUE(counted == 0 || counted >= ledger.current().total()) << counted;
  }
  EXPECT_EQ(ledger.current()[MemoryTag::kv_cache], 0);
}

/// Codes that go down and up again decode to what the plain loops decode.
inline void expect_upload_and_download_to_keep_values(Backend& backend) {
  const auto weight = create_weight(backend, random_values(30 * 95, 2), 30, 95, block_format(DataType::fp4, 64, true));
  auto copy = backend.download(*weight);
  ASSERT_TRUE(copy.has_value());
  std::vector<float> expected(10 * 95);
  reference::decode_rows(*copy, 5, 10, expected);
  const auto again = backend.upload(std::move(*copy));
  ASSERT_TRUE(again.has_value());
  std::vector<float> first(10 * 95);
  std::vector<float> second(10 * 95);
  ASSERT_TRUE(backend.decode(*weight, 5, 10, first).has_value());
  ASSERT_TRUE(backend.decode(**again, 5, 10, second).has_value());
  EXPECT_EQ(first, expected);
  EXPECT_EQ(second, expected);
  EXPECT_FALSE(backend.decode(*weight, 25, 10, first).has_value());
}

inline void expect_embedding_of_the_reference(Backend& backend) {
  for (const WeightFormat& format : {dense_format(DataType::fp32), block_format(DataType::nf4, 64, true)}) {
    const auto table = create_weight(backend, random_values(20 * 95, 3), 20, 95, format);
    const auto copy = backend.download(*table);
    const auto hidden = create_filled(backend, std::vector<float>(3 * 95), 3);
    const std::vector<std::int32_t> ids = {19, 0, 7};
    for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16}) {
      ASSERT_TRUE(backend.embed(*table, ids, compute, *hidden).has_value());
      const auto values = values_of(backend, *hidden, 3);
      for (std::size_t r = 0; r < 3; ++r) {
        const auto expected = reference::embed(*copy, ids[r], compute);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.begin() + static_cast<std::ptrdiff_t>(r * 95)));
      }
    }
    const std::int32_t outside = 20;
    EXPECT_FALSE(backend.embed(*table, {&outside, 1}, ComputeType::fp32, *hidden).has_value());
  }
}

inline void expect_refusal_of_shapes_that_do_not_fit(Backend& backend) {
  const auto weight = create_weight(backend, random_values(8 * 32, 4), 8, 32, dense_format(DataType::fp32));
  const auto input = create_filled(backend, random_values(2 * 32, 5), 2);
  const auto wrong = create_filled(backend, random_values(2 * 9, 6), 2);
  Linear linear;
  linear.weight = weight.get();
  EXPECT_FALSE(backend.linear_add(*input, 2, linear, *wrong, nullptr).has_value());
  EXPECT_FALSE(backend.linear_add(*wrong, 2, linear, *input, nullptr).has_value());
  EXPECT_FALSE(backend.linear_add(*input, 3, linear, *input, nullptr).has_value());
  EXPECT_FALSE(backend.create_buffer(-1, 4).has_value());
  EXPECT_FALSE(backend.create_buffer(std::int64_t{1} << 62, 4).has_value());
  EXPECT_FALSE(backend.create_kv({1, 1, 8, 32, 4, DataType::nf4}).has_value());
  EXPECT_FALSE(backend.create_kv({1, 1, 8, 32, std::int64_t{1} << 60, DataType::fp32}).has_value());
}

inline void expect_stopped_token_to_cancel(Backend& backend) {
  const auto weight = create_weight(backend, random_values(200 * 64, 7), 200, 64, dense_format(DataType::fp32));
  const auto input = create_filled(backend, random_values(5 * 64, 8), 5);
  const auto output = create_filled(backend, std::vector<float>(5 * 200), 5);
  Linear linear;
  linear.weight = weight.get();
  std::stop_source source;
  backend.set_stop_token(source.get_token());
  EXPECT_TRUE(backend.linear_add(*input, 5, linear, *output, nullptr).has_value());
  source.request_stop();
  const auto stopped = backend.linear_add(*input, 5, linear, *output, nullptr);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  const RowReader reader = [](std::int64_t, std::int64_t, std::span<float>) -> Result<void> { return {}; };
  const auto quantized = backend.quantize(reader, 64, 64, dense_format(DataType::fp16), MemoryTag::codes);
  ASSERT_FALSE(quantized.has_value());
  EXPECT_EQ(quantized.error().code, ErrorCode::cancelled);
  backend.set_stop_token({});
  EXPECT_TRUE(backend.linear_add(*input, 5, linear, *output, nullptr).has_value());
}

}  // namespace quantscope::testing
