// SPDX-License-Identifier: GPL-3.0-or-later
// fp32 bytes per second that one core encodes, per format and instruction set.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "kernels/cpu/quantize_rows.h"

namespace quantscope {
namespace {
constexpr std::int64_t rows = 256, columns = 1024;  // 1 MiB: stays in the second-level cache

std::vector<float> gaussian() {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (float& value : values) value = normal(generator);
  return values;
}

WeightFormat format_of(DataType type) {
  if (type == DataType::int8) return int8_row_format();
  return is_dense(type) ? dense_format(type) : block_format(type, 64, false);
}

void encode(benchmark::State& state) {
  const auto type = static_cast<DataType>(state.range(0));
  const auto level = static_cast<EncodeLevel>(state.range(1));
  if (level > best_encode_level()) return state.SkipWithError("not on this CPU");
  const auto values = gaussian();
  MemoryLedger ledger;
  auto tensor = QuantizedTensor::allocate(ledger, rows, columns, format_of(type), MemoryTag::codes).value();
  for (auto _ : state) {
    encode_values(values, 0, tensor, tensor.scales.as<float>(), level);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sizeof(float)) * rows * columns);
  state.SetLabel(std::string(data_type_info(type).name));
}

void all_types_and_levels(benchmark::internal::Benchmark* benchmark) {
  for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4, DataType::int8, DataType::bf16})
    for (const EncodeLevel level : {EncodeLevel::scalar, EncodeLevel::avx2, EncodeLevel::avx512})
      benchmark->Args({static_cast<std::int64_t>(type), static_cast<std::int64_t>(level)});
}
BENCHMARK(encode)->Apply(all_types_and_levels)->ArgNames({"type", "level"});

}  // namespace
}  // namespace quantscope

BENCHMARK_MAIN();
