// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_weight.h"
#include "kernels/cpu/linear_scratch.h"

namespace quantscope {

/// One or two linears of the same input and output size whose products are wanted together (gate and up, two heads).
struct LinearGroup {
  std::array<const Linear*, 2> linears{};
  std::size_t count = 1;
  const float* second_input = nullptr;  ///< what linears[1] reads, where that is not the input of all
};

/// Products of some weight rows ("outputs") with some activation rows, bias added.
struct ProductTile {
  std::size_t group = 0;
  std::int64_t tile = 0;  ///< number of this weight tile in the group; tiles are cut without regard to the rows
  std::int64_t first_output = 0;
  std::int64_t outputs = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::array<const float*, 2> products{};  ///< of each linear: [rows, stride]
  std::int64_t stride = 0;

  const float* row(std::size_t linear, std::int64_t index) const { return products[linear] + index * stride; }
};

/// Takes a tile; called by several workers at the same time.
using TileSink = std::function<void(const ProductTile& tile, int worker)>;

/// One linear with its input made ready. Two kinds: rounded to the compute type, and LLM.int8().
class PreparedLinear {
 public:
  virtual ~PreparedLinear() = default;
  /// Decodes weight rows [first, first + count) for the calls of multiply() that follow on this worker.
  virtual void begin_tile(std::int64_t first, std::int64_t count, int worker) = 0;
  /// products[m * stride + n] for activation rows [first_row, first_row + rows) and the rows of the tile, no bias.
  virtual void multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride,
                        int worker) = 0;
};

class Int8Input;

inline std::int64_t tile_count(const Weight& weight) { return tile_count(weight.rows, weight.columns); }

/// Runs fused linears. Keeps packed activations between operations only as memory, never as contents.
class LinearRunner {
 public:
  explicit LinearRunner(CpuContext& context) : context_(&context) {}

  /// Hands the products of `input` [rows, columns] with every group's weights to the sink, tile by tile.
  Result<void> run(const float* input, std::int64_t rows, std::span<const LinearGroup> groups, const TileSink& sink);

 private:
  struct Task {
    std::size_t group;
    std::int64_t tile;
  };
  Result<void> check(const LinearGroup& group) const;
  /// The input of one linear, made ready; shared by those that read the same and agree in `packing`.
  struct PackedInput {
    const float* source = nullptr;
    InputPacking packing;
    float outlier_threshold = 0.0F;
    OutlierScope outlier_scope = OutlierScope::row;
    const std::byte* rows = nullptr;        // rounded
    std::shared_ptr<const Int8Input> int8;  // LLM.int8()

    bool serves(const PackedInput& wanted) const {
      return source == wanted.source && packing == wanted.packing && outlier_threshold == wanted.outlier_threshold &&
             outlier_scope == wanted.outlier_scope;
    }
  };
  Result<void> reserve_for_workers(const LinearScratch& needed, WorkerScratch panel);
  Result<const PackedInput*> pack(const float* input, std::int64_t rows, const Linear& linear, std::size_t slot,
                                  std::int64_t bytes);
  Result<std::unique_ptr<PreparedLinear>> prepare(const float* input, std::int64_t rows, const Linear& linear,
                                                  std::size_t slot);
  Result<void> prepare_all(const float* input, std::int64_t rows, std::span<const LinearGroup> groups);
  Result<void> decode_biases(std::span<const LinearGroup> groups);
  void run_task(const Task& task, std::int64_t rows, std::span<const LinearGroup> groups, const TileSink& sink,
                int worker);

  CpuContext* context_;
  std::vector<std::unique_ptr<PreparedLinear>> prepared_;  // two per group
  std::vector<const float*> biases_;                       // likewise, null where there is none
  std::vector<PackedInput> packed_;                        // likewise
};

}  // namespace quantscope
