// SPDX-License-Identifier: GPL-3.0-or-later
// Time to open a checkpoint whose headers are in the system's cache: the default model (less than 50 ms is wanted) and
// a folder of 16 GB in 8 shards (less than 1 s).
#include <benchmark/benchmark.h>

#include "core/checkpoint/checkpoint.h"
#include "tests/support/reference_data.h"
#include "tests/support/sparse_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

void open_repeatedly(benchmark::State& state, const std::filesystem::path& path) {
  for (auto _ : state) {
    auto checkpoint = Checkpoint::open(path);
    if (!checkpoint) return state.SkipWithError(checkpoint.error().message.c_str());
    benchmark::DoNotOptimize(checkpoint);
  }
}

void open_default_model(benchmark::State& state) {
  const auto file = testing::default_model_file();
  if (file.empty()) return state.SkipWithError("the default model is not in the cache folder");
  open_repeatedly(state, file);
}
BENCHMARK(open_default_model)->Unit(benchmark::kMillisecond);

void open_16_gigabytes_in_8_shards(benchmark::State& state) {
  const testing::TemporaryFolder folder;
  testing::write_sparse_checkpoint(folder.path(), testing::llama_8b, 8);
  open_repeatedly(state, folder.path());
}
BENCHMARK(open_16_gigabytes_in_8_shards)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quantscope

BENCHMARK_MAIN();
