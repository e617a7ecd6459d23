// SPDX-License-Identifier: GPL-3.0-or-later
#include <limits>
#include <ostream>

#include "kernels/cuda/attention_paths.h"
#include "tests/cuda_on_host/device_array.h"
#include "tests/cuda_on_host/gpu_test.h"
#include "tests/kernels/attention_scene.h"

/// Attention of prompts with 16 and with 32 queries per warp.
namespace quantscope::testing {
namespace {

struct WarpsCase {
  AttentionCase shape;
  std::int64_t cached;  ///< positions before the pass
  std::int64_t rows;
};

void PrintTo(const WarpsCase& one, std::ostream* out) {
  *out << name_of(one.shape) << ", " << one.rows << " rows after " << one.cached;
}

std::vector<std::uint16_t> random_halves(std::int64_t count, DataType type) {
  const auto values = random_values(count, 81);
  std::vector<std::uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) halves.push_back(type == DataType::fp16 ? fp32_to_fp16(value) : fp32_to_bf16(value));
  return halves;
}

std::vector<cuda::PromptTile> tiles_of(const WarpsCase& one) {
  std::vector<cuda::PromptTile> tiles;
  for (std::int64_t row = 0; row < one.rows; row += cuda::prompt_tile_rows)
    tiles.push_back({{row, one.cached + row, 0}, std::min(cuda::prompt_tile_rows, one.rows - row)});
  return tiles;
}

/// Of a cache with one layer, whose pages follow each other; what is not written is NaN.
std::vector<float> run(const WarpsCase& one, int warp_queries) {
  const AttentionCase& shape = one.shape;
  std::vector<std::int32_t> page_ids;
  for (std::int64_t p = 0; p * shape.page_tokens < one.cached + one.rows; ++p)
    page_ids.push_back(static_cast<std::int32_t>(p));
  const std::int64_t values = one.rows * shape.heads * shape.head_dim;
  const auto tiles = tiles_of(one);
  const DeviceArray<std::int32_t> pages(page_ids);
  const DeviceArray<cuda::PromptTile> device_tiles(tiles);
  const DeviceArray<std::uint16_t> cache(
      random_halves(2 * std::ssize(page_ids) * shape.kv_heads * shape.page_tokens * shape.head_dim, shape.type));
  const DeviceArray<float> q(random_values(values, 82));
  const DeviceArray<float> output(
      std::vector<float>(static_cast<std::size_t>(values), std::numeric_limits<float>::quiet_NaN()));

  cuda::PromptAttentionArguments arguments;
  arguments.batch = {nullptr, one.rows, pages.data(), 0, shape.heads};
  arguments.tiles = device_tiles.data();
  arguments.tile_count = std::ssize(tiles);
  arguments.q = q.data();
  arguments.cache = {cache.data(), std::ssize(page_ids), shape.kv_heads, shape.head_dim, shape.page_tokens, shape.type};
  arguments.scale = shape.sharpness / std::sqrt(static_cast<float>(shape.head_dim));
  arguments.window = shape.window;
  arguments.soft_cap = shape.soft_cap;
  arguments.output = output.data();
  arguments.warp_queries = warp_queries;
  EXPECT_EQ(cuda::attend_prompts(nullptr, arguments), cudaSuccess);
  return output.values();
}

class CudaPromptWarps : public GpuTest, public ::testing::WithParamInterface<WarpsCase> {};

TEST_P(CudaPromptWarps, GiveTheSameBitsWith16And32Queries) {
  const auto narrow = run(GetParam(), 16);
  for (const float value : narrow) ASSERT_FALSE(std::isnan(value));
  EXPECT_EQ(run(GetParam(), 32), narrow);
}

constexpr auto bf16 = DataType::bf16;
constexpr auto fp16 = DataType::fp16;
INSTANTIATE_TEST_SUITE_P(
    Cases, CudaPromptWarps,
    ::testing::Values(
        // One to nine heads per key head: warps that are full, half full and empty; rows that end within a warp.
        WarpsCase{{1, 1, 64, 32, bf16}, 0, 33}, WarpsCase{{2, 1, 64, 32, fp16}, 0, 130},
        WarpsCase{{6, 2, 24, 12, bf16}, 0, 75}, WarpsCase{{4, 1, 64, 32, bf16}, 0, 69},
        WarpsCase{{5, 1, 40, 32, fp16}, 0, 40}, WarpsCase{{9, 1, 8, 32, bf16}, 0, 29},
        // Positions before the pass, among them some that put a stage's border between the rows of one warp.
        WarpsCase{{2, 1, 64, 7, fp16}, 50, 64}, WarpsCase{{2, 2, 32, 32, bf16}, 111, 49},
        // Windows whose border lies between the rows of one warp; and capped and large scores.
        WarpsCase{{2, 1, 32, 32, fp16, 13}, 0, 97}, WarpsCase{{2, 1, 32, 32, bf16, 70}, 61, 140},
        WarpsCase{{1, 1, 16, 32, fp16, 1}, 3, 40}, WarpsCase{{2, 1, 64, 32, bf16, 0, 20.0F, 8.0F}, 0, 70},
        WarpsCase{{4, 2, 64, 32, fp16, 0, 0.0F, 8.0F}, 20, 70}),
    [](const auto& param_info) { return "case_" + std::to_string(param_info.index); });

TEST(CudaPromptWarpQueries, Are32WhereHeadsAreSmallAndTilesFillBlocks) {
  EXPECT_EQ(cuda::prompt_warp_queries(64, 4), 32);
  EXPECT_EQ(cuda::prompt_warp_queries(32, 2), 32);
  EXPECT_EQ(cuda::prompt_warp_queries(64, 3), 16);
  EXPECT_EQ(cuda::prompt_warp_queries(64, 1), 16);
  EXPECT_EQ(cuda::prompt_warp_queries(72, 4), 16);
  EXPECT_EQ(cuda::prompt_warp_queries(128, 4), 16);
}

class CudaPromptWarpLimits : public GpuTest {};

TEST_F(CudaPromptWarpLimits, LargeHeadsAreRefusedWith32) {
  cuda::PromptAttentionArguments arguments;
  arguments.cache.type = DataType::bf16;
  arguments.cache.kv_heads = 1;
  arguments.batch.heads = 2;
  arguments.cache.head_dim = 72;
  arguments.warp_queries = 32;
  EXPECT_EQ(cuda::attend_prompts(nullptr, arguments), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace quantscope::testing
