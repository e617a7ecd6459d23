// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "kernels/formats/ggml_decode.h"
#include "tests/kernels/cpu_device.h"
#include "tests/support/ggml_data.h"

namespace quantscope {
namespace {

/// Blocks of every type, as a file holds them, on the CPU device.
class GgmlOnCpu : public ::testing::TestWithParam<GgmlType> {};

TEST_P(GgmlOnCpu, UploadedBlocksDecodeAndMultiply) {
  constexpr std::int64_t rows = 50, columns = 512;
  const auto backend = testing::create_cpu("auto", 2);
  auto tensor =
      QuantizedTensor::allocate(backend->upload_ledger(), rows, columns, ggml_format(GetParam()), MemoryTag::codes);
  ASSERT_TRUE(tensor.has_value());
  const std::int64_t blocks = rows * columns / ggml_type_info(GetParam()).block_values;
  std::ranges::copy(testing::random_ggml_blocks(GetParam(), static_cast<std::size_t>(blocks)), tensor->codes.data());
  std::vector<float> expected(rows * columns), decoded(expected.size());
  decode_ggml(GetParam(), tensor->codes.data(), rows * columns, expected.data());
  const auto weight = backend->upload(std::move(*tensor));
  ASSERT_TRUE(weight.has_value()) << weight.error().message;
  ASSERT_TRUE(backend->decode(**weight, 0, rows, decoded).has_value());
  EXPECT_EQ(decoded, expected);

  for (const std::int64_t batch : {1, 3}) {
    const auto x = testing::random_values(batch * columns, 5);
    const auto products = testing::multiply(*backend, {.weight = weight->get()}, x, batch);
    for (std::int64_t m = 0; m < batch; ++m)
      for (std::int64_t n = 0; n < rows; ++n) {
        double product = 0, size = 0;
        for (std::int64_t k = 0; k < columns; ++k) {
          const double term = static_cast<double>(x[static_cast<std::size_t>(m * columns + k)]) *
                              static_cast<double>(expected[static_cast<std::size_t>(n * columns + k)]);
          product += term;
          size += std::abs(term);
        }
        ASSERT_NEAR(static_cast<double>(products[static_cast<std::size_t>(m * rows + n)]), product, 1e-5 * size);
      }
  }
}

std::vector<GgmlType> all_types() {
  std::vector<GgmlType> types;
  for (const GgmlTypeInfo& info : ggml_types) types.push_back(info.type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(All, GgmlOnCpu, ::testing::ValuesIn(all_types()),
                         [](const auto& test) { return std::string(ggml_type_info(test.param).key); });

}  // namespace
}  // namespace quantscope
