// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/plugin/plugin_loader.h"
#include "tests/benchmarks/gpu/median_seconds.h"
#include "tests/benchmarks/gpu/must.h"
#include "tests/benchmarks/gpu/random_tensor.h"

/// Where a step of generation spends its time: each operation of a layer by itself, one after the other through the
/// layers of a model in the shape of Llama-3.2-1B, so that weights come from memory as in a model; then all of them
/// together, and the head. Weights are random.
///
///   step_benchmark [POSITIONS [LAYERS [HIDDEN]]]     default: 512 16 2048
///
/// QUANTSCOPE_CUDA_PLUGIN names another plug-in.
namespace quantscope::benchmarks {
namespace {
constexpr int runs = 7;
constexpr int steps_per_run = 8;
constexpr std::int64_t head_dim = 64;

struct Shape {
  std::int64_t positions = 512;
  std::int64_t layers = 16;
  std::int64_t hidden = 2048;

  std::int64_t heads() const { return hidden / head_dim; }
  std::int64_t kv_heads() const { return std::max<std::int64_t>(1, heads() / 4); }
  std::int64_t kv_columns() const { return kv_heads() * head_dim; }
  std::int64_t inner() const { return 4 * hidden; }
  std::int64_t vocabulary() const { return 501 * hidden / 8; }
};

using Weights = std::vector<std::unique_ptr<Weight>>;

class StepTimer {
 public:
  StepTimer(Backend& backend, const Shape& shape, const WeightFormat& format)
      : backend_(backend), shape_(shape), format_(format), pages_(static_cast<std::size_t>(shape.positions / 32 + 1)) {
    std::iota(pages_.begin(), pages_.end(), 0);
    KvShape cache{shape.layers, shape.kv_heads(), head_dim};
    cache.pages = std::ssize(pages_);
    cache.type = DataType::bf16;
    kv_ = must(backend.create_kv(cache));
    for (const std::int64_t columns :
         {shape.hidden, shape.kv_columns(), shape.kv_columns(), shape.hidden, shape.inner()})
      buffers_.push_back(must(backend.create_buffer(1, columns)));
    for (std::int64_t pair = 0; pair < head_dim / 2; ++pair)
      frequencies_.push_back(std::pow(5e5F, -2.0F * static_cast<float>(pair) / static_cast<float>(head_dim)));
    norm_ = weight(1, shape.hidden, dense_format(DataType::fp32));
    residual_ = must(backend.create_buffer(1, shape.hidden));
    must(backend.write(*residual_, 1, random_values(shape.hidden)));
    for (std::int64_t layer = 0; layer < shape.layers; ++layer) add_layer();
  }

  /// Seconds of the operation in one layer.
  double seconds(const std::function<Result<void>(std::int64_t layer)>& operation) {
    return seconds_of_pass([&]() -> Result<void> {
             for (std::int64_t layer = 0; layer < shape_.layers; ++layer) {
               if (auto queued = operation(layer); !queued) return queued;
             }
             return {};
           }) /
           static_cast<double>(shape_.layers);
  }

  Result<void> project(std::int64_t layer) {
    std::vector<LinearOutput> outputs;
    for (std::size_t i = 0; i < 3; ++i) outputs.push_back({linear(layer, i), buffers_[i].get()});
    return backend_.norm_linears(*residual_, 1, {norm_.get()}, outputs, nullptr);
  }
  Result<void> rotate(std::int64_t layer) {
    return backend_.rope_append(*buffers_[0], *buffers_[1], *buffers_[2], attention_of(layer), frequencies_,
                                {&sequence_, 1}, *kv_);
  }
  Result<void> attend(std::int64_t layer) {
    return backend_.attention(*buffers_[0], attention_of(layer), {&sequence_, 1}, *kv_, *buffers_[3]);
  }
  Result<void> add_attention(std::int64_t layer) {
    return backend_.linear_add(*buffers_[3], 1, linear(layer, 3), *residual_, nullptr);
  }
  Result<void> gate(std::int64_t layer) {
    return backend_.norm_gate_up(*residual_, 1, {norm_.get()}, linear(layer, 4), linear(layer, 5), GateActivation::silu,
                                 *buffers_[4], nullptr);
  }
  Result<void> add_inner(std::int64_t layer) {
    return backend_.linear_add(*buffers_[4], 1, linear(layer, 6), *residual_, nullptr);
  }
  Result<void> whole(std::int64_t layer) {
    if (auto done = project(layer); !done) return done;
    if (auto done = rotate(layer); !done) return done;
    if (auto done = attend(layer); !done) return done;
    if (auto done = add_attention(layer); !done) return done;
    if (auto done = gate(layer); !done) return done;
    return add_inner(layer);
  }

  /// Seconds of the best token, a bf16 head, with its way to the host.
  double head_seconds() {
    const auto head = weight(shape_.vocabulary(), shape_.hidden, dense_format(DataType::bf16));
    const std::int32_t row = 0;
    TopToken top;
    Linear linear;
    linear.weight = head.get();
    linear.compute = ComputeType::bf16;
    return median_of_runs([&] { return backend_.head_top(*residual_, {&row, 1}, {norm_.get()}, linear, {&top, 1}); });
  }

  /// Bytes of the weights of one layer.
  double layer_bytes() const { return layer_bytes_; }

 private:
  std::unique_ptr<Weight> weight(std::int64_t rows, std::int64_t columns, const WeightFormat& format) {
    auto tensor = must(QuantizedTensor::allocate(backend_.upload_ledger(), rows, columns, format, MemoryTag::codes));
    fill_randomly(tensor);
    return must(backend_.upload(std::move(tensor)));
  }

  void add_layer() {
    const std::int64_t rows[] = {shape_.hidden,  shape_.kv_columns(), shape_.kv_columns(), shape_.hidden,
                                 shape_.inner(), shape_.inner(),      shape_.hidden};
    layer_bytes_ = 0;
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      const std::int64_t columns = i == 6 ? shape_.inner() : shape_.hidden;
      weights_.push_back(weight(rows[i], columns, format_));
      const FormatBytes bytes = format_bytes(format_, rows[i], columns);
      layer_bytes_ += static_cast<double>(bytes.codes + bytes.scales);
    }
  }

  Linear linear(std::int64_t layer, std::size_t index) const {
    Linear linear;
    linear.weight = weights_[static_cast<std::size_t>(layer) * 7 + index].get();
    linear.compute = ComputeType::bf16;
    return linear;
  }

  AttentionShape attention_of(std::int64_t layer) const {
    return {layer, shape_.heads(), shape_.kv_heads(), head_dim, 1.0F / std::sqrt(static_cast<float>(head_dim))};
  }

  double seconds_of_pass(const std::function<Result<void>()>& operations) {
    const PassKey key{this, ++passes_};
    const std::int32_t id = 0;
    const auto pass = [&] { return backend_.run_pass(key, {&id, 1}, {&sequence_, 1}, *kv_, operations); };
    for (int i = 0; i < 3; ++i) must(pass());  // a device may record the second
    return median_of_runs(pass);
  }

  double median_of_runs(const std::function<Result<void>()>& operation) {
    const auto steps = [&]() -> Result<void> {
      for (int step = 0; step < steps_per_run; ++step) {
        if (auto done = operation(); !done) return done;
      }
      return {};
    };
    return must(median_seconds(
               runs, [&] { return backend_.synchronize(); }, steps)) /
           steps_per_run;
  }

  Backend& backend_;
  Shape shape_;
  WeightFormat format_;
  std::vector<std::int32_t> pages_;
  SequenceRows sequence_{pages_, shape_.positions, 0, 1};
  std::unique_ptr<KvStorage> kv_;
  std::vector<std::unique_ptr<Buffer>> buffers_;  // q, k, v, output of attention, gated
  std::unique_ptr<Buffer> residual_;
  std::unique_ptr<Weight> norm_;
  Weights weights_;  // of each layer: q, k, v, o, gate, up, down
  std::vector<float> frequencies_;
  double layer_bytes_ = 0;
  std::uint64_t passes_ = 0;
};

void time_format(const BackendPlugin& plugin, const char* name, const WeightFormat& format, const Shape& shape) {
  const auto backend = must(plugin.create(0));
  StepTimer timer(*backend, shape, format);
  using Operation = Result<void> (StepTimer::*)(std::int64_t);
  double sum = 0;
  fmt::print("| {:<7} |", name);
  for (const Operation operation : {&StepTimer::project, &StepTimer::rotate, &StepTimer::attend,
                                    &StepTimer::add_attention, &StepTimer::gate, &StepTimer::add_inner}) {
    const double seconds = timer.seconds([&](std::int64_t layer) { return (timer.*operation)(layer); });
    sum += seconds;
    fmt::print(" {:.2f} |", 1e6 * seconds);
    std::fflush(stdout);
  }
  const double whole = timer.seconds([&](std::int64_t layer) { return timer.whole(layer); });
  fmt::print(" {:.2f} | {:.2f} | {:.0f} | {:.1f} |\n", 1e6 * sum, 1e6 * whole, 1e-9 * timer.layer_bytes() / whole,
             1e6 * timer.head_seconds());
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const char* const named = std::getenv("QUANTSCOPE_CUDA_PLUGIN");
  const auto plugin = must(BackendPlugin::open(named != nullptr ? named : CUDA_PLUGIN));
  const DeviceDescription device = plugin.devices().front();
  if (!device.unavailable.empty()) {
    fmt::print("not measured: {}\n", device.unavailable);
    return 77;
  }
  Shape shape;
  if (argc > 1) shape.positions = std::stoll(argv[1]);
  if (argc > 2) shape.layers = std::stoll(argv[2]);
  if (argc > 3) shape.hidden = std::stoll(argv[3]);
  fmt::print("{}, {} positions, {} layers, hidden {}: microseconds per layer, and for the head\n\n", device.name,
             shape.positions, shape.layers, shape.hidden);
  fmt::print(
      "| weights | q, k, v | rotate, append | attention | o | gate, up | down | sum | together | GB/s | head |\n");
  fmt::print("|---|---|---|---|---|---|---|---|---|---|---|\n");
  time_format(plugin, "bf16", dense_format(DataType::bf16), shape);
  time_format(plugin, "fp16", dense_format(DataType::fp16), shape);
  time_format(plugin, "int8", int8_row_format(), shape);
  time_format(plugin, "nf4", block_format(DataType::nf4, 64, false), shape);
  time_format(plugin, "nf4-dq", block_format(DataType::nf4, 64, true), shape);
  return 0;
}
}  // namespace
}  // namespace quantscope::benchmarks

int main(int argc, char** argv) {
  try {
    return quantscope::benchmarks::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print("not measured: {}\n", error.what());
    return 1;
  }
}
