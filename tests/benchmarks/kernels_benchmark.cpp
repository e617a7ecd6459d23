// SPDX-License-Identifier: GPL-3.0-or-later
#include <benchmark/benchmark.h>

#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_backend.h"

/// Times the CPU device at the shapes of SmolLM2-135M. Compare CPU time, not real time, on a machine with other work.
namespace quantscope {
namespace {
constexpr std::int64_t hidden = 576;
constexpr std::int64_t kv_width = 192;
constexpr std::int64_t intermediate = 1536;
constexpr std::int64_t vocabulary = 49152;
constexpr std::int64_t layers = 30;
constexpr std::int64_t page_tokens = 32;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::unique_ptr<Weight> random_weight(Backend& backend, std::int64_t rows, std::int64_t columns,
                                      const WeightFormat& format) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-0.1F, 0.1F);
  return must(backend.quantize(
      [&](std::int64_t, std::int64_t, std::span<float> values) -> Result<void> {
        for (float& value : values) value = uniform(generator);
        return {};
      },
      rows, columns, format, MemoryTag::codes));
}

std::unique_ptr<Buffer> random_buffer(Backend& backend, std::int64_t rows, std::int64_t columns) {
  auto buffer = must(backend.create_buffer(rows, columns));
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (float& value : values) value = normal(generator);
  must(backend.write(*buffer, rows, values));
  return buffer;
}

struct Setting {
  std::string level;
  std::string format_name;
  WeightFormat format;
  ComputeType compute = ComputeType::fp32;
};

void time_linear(benchmark::State& state, const Setting& setting, std::int64_t rows, std::int64_t columns,
                 std::int64_t outputs) {
  const auto backend = must(create_cpu_backend({1, setting.level}));
  const auto weight = random_weight(*backend, outputs, columns, setting.format);
  const auto input = random_buffer(*backend, rows, columns);
  const auto output = random_buffer(*backend, rows, outputs);
  Linear linear;
  linear.weight = weight.get();
  linear.compute = setting.compute;
  for (auto _ : state) must(backend->linear_add(*input, rows, linear, *output, nullptr));
  const auto rate = [&](double per_call) {
    return benchmark::Counter(per_call * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  };
  const FormatBytes bytes = format_bytes(setting.format, outputs, columns);
  state.counters["GFLOP/s"] = rate(2e-9 * static_cast<double>(rows * columns * outputs));
  state.counters["GB/s"] = rate(1e-9 * static_cast<double>(bytes.codes + bytes.scales));
}

/// A model of random weights, all in one format but for a head in BF16.
class RandomModel {
 public:
  RandomModel(Backend& backend, const Setting& setting, std::int64_t rows)
      : backend_(backend),
        setting_(setting),
        rows_(rows),
        norm_weight_(random_weight(backend, 1, hidden, dense_format(DataType::fp32))),
        head_(random_weight(backend, vocabulary, hidden, dense_format(DataType::bf16))),
        x_(random_buffer(backend, rows, hidden)),
        q_(random_buffer(backend, rows, hidden)),
        k_(random_buffer(backend, rows, kv_width)),
        v_(random_buffer(backend, rows, kv_width)),
        mlp_(random_buffer(backend, rows, intermediate)),
        kv_(must(backend.create_kv({layers, 3, 64, page_tokens, 32, DataType::fp16}))),
        pages_(32),
        frequencies_(32, 0.01F) {
    std::iota(pages_.begin(), pages_.end(), 0);
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      for (const auto& [outputs, columns] :
           {std::pair{hidden, hidden}, std::pair{kv_width, hidden}, std::pair{kv_width, hidden},
            std::pair{hidden, hidden}, std::pair{intermediate, hidden}, std::pair{intermediate, hidden},
            std::pair{hidden, intermediate}}) {
        weights_.push_back(random_weight(backend, outputs, columns, setting.format));
      }
    }
  }

  /// `rows` tokens from `position` on, then the best next token.
  void forward(std::int64_t position) {
    const Norm norm{norm_weight_.get(), 1e-5F};
    const SequenceRows sequence{pages_, position, 0, rows_};
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      const AttentionShape shape{layer, 9, 3, 64, 0.125F};
      const LinearOutput outputs[] = {
          {linear(layer, 0), q_.get()}, {linear(layer, 1), k_.get()}, {linear(layer, 2), v_.get()}};
      must(backend_.norm_linears(*x_, rows_, norm, outputs, nullptr));
      must(backend_.rope_append(*q_, *k_, *v_, shape, frequencies_, {&sequence, 1}, *kv_));
      must(backend_.attention(*q_, shape, {&sequence, 1}, *kv_, *q_));
      must(backend_.linear_add(*q_, rows_, linear(layer, 3), *x_, nullptr));
      must(backend_.norm_gate_up(*x_, rows_, norm, linear(layer, 4), linear(layer, 5), GateActivation::silu, *mlp_,
                                 nullptr));
      must(backend_.linear_add(*mlp_, rows_, linear(layer, 6), *x_, nullptr));
    }
    Linear head;
    head.weight = head_.get();
    head.compute = setting_.compute;
    const auto last = static_cast<std::int32_t>(rows_ - 1);
    TopToken top;
    must(backend_.head_top(*x_, {&last, 1}, norm, head, {&top, 1}));
    benchmark::DoNotOptimize(top);
  }

 private:
  Linear linear(std::int64_t layer, std::int64_t index) const {
    Linear linear;
    linear.weight = weights_[static_cast<std::size_t>(layer * 7 + index)].get();
    linear.compute = setting_.compute;
    return linear;
  }

  Backend& backend_;
  Setting setting_;
  std::int64_t rows_;
  std::unique_ptr<Weight> norm_weight_, head_;
  std::unique_ptr<Buffer> x_, q_, k_, v_, mlp_;
  std::unique_ptr<KvStorage> kv_;
  std::vector<std::unique_ptr<Weight>> weights_;
  std::vector<std::int32_t> pages_;
  std::vector<float> frequencies_;
};

void time_model(benchmark::State& state, const Setting& setting, int threads, std::int64_t rows,
                std::int64_t position) {
  const auto backend = must(create_cpu_backend({threads, setting.level}));
  RandomModel model(*backend, setting, rows);
  model.forward(0);
  for (auto _ : state) model.forward(position);
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(rows * state.iterations()), benchmark::Counter::kIsRate);
}

void add_level(const std::string& level) {
  const std::vector<std::pair<std::string, WeightFormat>> formats = {{"nf4", block_format(DataType::nf4, 64, false)},
                                                                     {"nf4dq", block_format(DataType::nf4, 64, true)},
                                                                     {"int8", int8_row_format()},
                                                                     {"bf16", dense_format(DataType::bf16)},
                                                                     {"fp32", dense_format(DataType::fp32)}};
  for (const auto& [name, format] : formats) {
    for (const auto& [compute_name, compute] :
         {std::pair{"fp32", ComputeType::fp32}, std::pair{"bf16", ComputeType::bf16}}) {
      const Setting setting{level, name, format, compute};
      const std::string suffix = "/" + level + "/" + name + "/" + compute_name;
      benchmark::RegisterBenchmark(("gemv" + suffix).c_str(),
                                   [=](auto& state) { time_linear(state, setting, 1, hidden, intermediate); });
      benchmark::RegisterBenchmark(("gemm" + suffix).c_str(),
                                   [=](auto& state) { time_linear(state, setting, 256, hidden, intermediate); });
      if (name != "nf4") continue;
      for (const int threads : {1, 2}) {
        const std::string at = suffix + "/" + std::to_string(threads) + "T";
        benchmark::RegisterBenchmark(("decode" + at).c_str(), [=](auto& state) {
          time_model(state, setting, threads, 1, 256);
        })->UseRealTime();
        benchmark::RegisterBenchmark(("prompt" + at).c_str(), [=](auto& state) {
          time_model(state, setting, threads, 512, 0);
        })->UseRealTime();
      }
    }
  }
}
}  // namespace
}  // namespace quantscope

int main(int argc, char** argv) {
  for (const std::string& level : quantscope::describe_cpu().dispatch_levels) quantscope::add_level(level);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
