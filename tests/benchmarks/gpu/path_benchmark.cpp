// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/linear_runner.h"
#include "tests/benchmarks/gpu/median_seconds.h"
#include "tests/benchmarks/gpu/must.h"
#include "tests/benchmarks/gpu/random_tensor.h"

/// Times the products of a linear on each path that can form them, for growing numbers of rows: where the thresholds of
/// linear_paths.h belong on this GPU. Weights change from call to call, so that they come from memory and not from the
/// L2 cache, as in a model.
///
///   path_benchmark [DEVICE]     default: 0
namespace quantscope::cuda {
namespace {
using benchmarks::median_seconds;
using benchmarks::must;

constexpr std::int64_t row_counts[] = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512};
constexpr std::int64_t most_rows = 512;
constexpr LinearPath paths[] = {LinearPath::few_rows, LinearPath::warps, LinearPath::library};
constexpr int timings = 5;
constexpr int rounds_per_timing = 4;  // through all copies of the weight

struct Format {
  const char* name;
  WeightFormat format;
};

WeightFormat groups_of_4_bits() {
  WeightFormat format;
  format.code_type = CodeType::unsigned_bits;
  format.levels = Levels::affine;
  format.scale_layout = ScaleLayout::row_groups;
  format.block_size = 128;
  format.code_bits = 4;
  format.scale_type = ScaleType::float16;
  format.zero_point = ZeroPoint::integer;
  return format;
}

/// Those that few_rows_products.h reads.
std::vector<Format> formats() {
  return {{"bf16", dense_format(DataType::bf16)},
          {"fp32", dense_format(DataType::fp32)},
          {"int8", int8_row_format()},
          {"nf4", block_format(DataType::nf4, 64, false)},
          {"nf4-dq", block_format(DataType::nf4, 64, true)},
          {"gptq-4", groups_of_4_bits()},
          {"q8_0", ggml_format(GgmlType::q8_0)},
          {"q4_0", ggml_format(GgmlType::q4_0)},
          {"q4_k", ggml_format(GgmlType::q4_k)},
          {"q5_k", ggml_format(GgmlType::q5_k)},
          {"q6_k", ggml_format(GgmlType::q6_k)}};
}

/// Copies of one weight that together are larger than the L2 cache.
std::vector<std::unique_ptr<CudaWeight>> weights(Device& device, const DynamicTables& tables,
                                                 const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  const FormatBytes bytes = format_bytes(format, rows, columns);
  const std::int64_t copies = 3 * device.shape().l2_bytes / (bytes.codes + bytes.scales) + 2;
  std::vector<std::unique_ptr<CudaWeight>> all;
  for (std::int64_t i = 0; i < copies; ++i) {
    auto tensor = must(QuantizedTensor::allocate(device.host_ledger(), rows, columns, format, MemoryTag::workspace));
    benchmarks::fill_randomly(tensor);
    all.push_back(must(CudaWeight::upload(device, tables, tensor)));
  }
  return all;
}

class PathTimer {
 public:
  explicit PathTimer(std::unique_ptr<Device> device)
      : device_(std::move(device)),
        tables_(must(DynamicTables::create(*device_))),
        linears_(must(LinearRunner::create(*device_, scratch_))) {
    const DeviceDescription gpu = device_->description();
    fmt::print("{} ({}), {} multiprocessors, {} MiB of L2 cache; microseconds per product in BF16\n", gpu.name,
               gpu.dispatch_level, device_->shape().multiprocessors, device_->shape().l2_bytes >> 20);
  }

  void time(const Format& format, std::int64_t outputs, std::int64_t columns) {
    const auto all = weights(*device_, tables_, format.format, outputs, columns);
    const auto input = must(CudaBuffer::create(*device_, most_rows, columns));
    const auto output = must(CudaBuffer::create(*device_, most_rows, outputs));
    fmt::print("\n{} [{}, {}]\n{:>6}{:>12}{:>12}{:>12}\n", format.name, outputs, columns, "rows", "few rows", "warps",
               "library");
    for (const std::int64_t rows : row_counts) {
      fmt::print("{:>6}", rows);
      for (const LinearPath path : paths) {
        if (!can(path, *all.front(), rows)) {
          fmt::print("{:>12}", "-");
          continue;
        }
        fmt::print("{:>12.2f}", 1e6 * seconds(path, all, *input, rows, *output));
      }
      fmt::print("\n");
    }
  }

 private:
  /// A warp per output takes seconds for hundreds of rows and is never worth it there.
  static bool can(LinearPath path, const CudaWeight& weight, std::int64_t rows) {
    if (path == LinearPath::few_rows) return few_rows_fits(weight.view());
    return path != LinearPath::warps || rows <= 32;
  }

  double seconds(LinearPath path, const std::vector<std::unique_ptr<CudaWeight>>& all, const CudaBuffer& input,
                 std::int64_t rows, CudaBuffer& output) {
    const auto rounds = [&]() -> Result<void> {
      for (int round = 0; round < rounds_per_timing; ++round) {
        for (const auto& weight : all) {
          if (auto ready = device_->begin(); !ready) return ready;
          linears_->begin({input.values(), nullptr, rows, input.columns, nullptr, 0.0F, 0.0F});
          Linear linear;
          linear.weight = weight.get();
          linear.compute = ComputeType::bf16;
          auto done = linears_->multiply_on(path, linear, {output.values(), weight->rows, 0, weight->rows, false});
          if (!done) return done;
        }
      }
      return {};
    };
    return must(median_seconds(
               timings, [&] { return device_->finish("a timing"); }, rounds)) /
           (rounds_per_timing * static_cast<double>(all.size()));
  }

  std::unique_ptr<Device> device_;  // first: everything below lives in its memory
  DynamicTables tables_;
  ScratchSet scratch_;
  std::unique_ptr<LinearRunner> linears_;
};

int run(int argc, char** argv) {
  auto device = Device::open(argc > 1 ? std::stoi(argv[1]) : 0);
  if (!device) {
    fmt::print("not measured: {}\n", device.error().message);
    return 77;
  }
  PathTimer timer(std::move(*device));
  // The linears of Llama-3.2-1B: narrow, wide and deep.
  for (const Format& format : formats()) {
    timer.time(format, 2048, 2048);
    timer.time(format, 8192, 2048);
    timer.time(format, 2048, 8192);
  }
  return 0;
}

}  // namespace
}  // namespace quantscope::cuda

int main(int argc, char** argv) {
  try {
    return quantscope::cuda::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
