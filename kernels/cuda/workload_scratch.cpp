// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/workload_scratch.h"

#include <algorithm>

#include "kernels/cuda/attention_batch.h"
#include "kernels/cuda/attention_kernels.h"
#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/head_kernels.h"
#include "kernels/cuda/head_tiles.h"
#include "kernels/cuda/linear_paths.h"
#include "kernels/cuda/linear_scratch.h"
#include "kernels/cuda/matrix_library.h"
#include "kernels/cuda/placed_batch.h"

namespace quantscope::cuda {
namespace {
using Kind = OperationShape::Kind;

constexpr std::int64_t float_bytes = sizeof(float);
constexpr std::int64_t id_bytes = sizeof(std::int32_t);

bool is_head(Kind kind) { return kind == Kind::head || kind == Kind::head_pair; }

bool has_norm(Kind kind) { return kind != Kind::linear_add && kind != Kind::linear_norm_add; }

class Adder {
 public:
  Adder(const Workload& workload, const GpuShape& gpu, ScratchSizes& sizes)
      : workload_(workload), gpu_(gpu), sizes_(sizes) {}

  void add(const OperationShape& operation) {
    const std::int64_t rows =
        is_head(operation.kind) ? std::min(head_rows_at_once, workload_.batch_rows) : workload_.batch_rows;
    for (const LinearShape& linear : operation.linears) {
      const std::int64_t outputs = is_head(operation.kind) ? std::min(head_tile_outputs, linear.rows) : linear.rows;
      add_linear(gpu_, linear, rows, outputs, has_norm(operation.kind), sizes_);
    }
    const LinearShape& first = operation.linears.front();
    switch (operation.kind) {
      case Kind::norm_gate_up:
        sizes_.raise(ScratchUse::gate, rows * first.rows * float_bytes);
        sizes_.raise(ScratchUse::up, rows * first.rows * float_bytes);
        return;
      case Kind::linear_norm_add: sizes_.raise(ScratchUse::gate, rows * first.rows * float_bytes); return;
      case Kind::head:
      case Kind::head_pair: add_head(operation, rows); return;
      case Kind::norm_linears:
      case Kind::linear_add: return;
    }
  }

  void add_attention() {
    const std::int64_t rows = workload_.batch_rows;
    if (workload_.query_key_norm)
      sizes_.raise(ScratchUse::keys, rows * workload_.kv_heads * workload_.head_dim * float_bytes);
    const std::int64_t parts = largest_attention_parts(rows, planned_positions(workload_.context));
    if (parts == 0) return;
    sizes_.raise(ScratchUse::attention_parts, parts * workload_.heads * (workload_.head_dim + 2) * float_bytes);
    sizes_.raise(ScratchUse::attention_arrivals,
                 largest_attention_arrivals(rows, workload_.heads, workload_.kv_heads) * id_bytes);
  }

  void add_placed() {
    const PlacedCounts counts = largest_placed_counts(workload_);
    const std::int64_t picked = std::min(head_rows_at_once, workload_.batch_rows);
    sizes_.raise(ScratchUse::ids, workload_.batch_rows * id_bytes);
    for (const ScratchUse use : {ScratchUse::picked, ScratchUse::base_picked, ScratchUse::targets})
      sizes_.raise(use, picked * id_bytes);
    sizes_.raise(ScratchUse::locations, counts.locations * static_cast<std::int64_t>(sizeof(RowLocation)));
    sizes_.raise(ScratchUse::tiles, counts.tiles * static_cast<std::int64_t>(sizeof(PromptTile)));
    sizes_.raise(ScratchUse::pages, counts.pages * id_bytes);
  }

 private:
  void add_head(const OperationShape& operation, std::int64_t rows) {
    const bool pair = operation.kind == Kind::head_pair;
    const std::int64_t vocabulary = operation.linears.front().rows;
    const std::int64_t logits = rows * std::min(head_tile_outputs, vocabulary) * float_bytes;
    sizes_.raise(ScratchUse::logits, logits);
    if (pair) sizes_.raise(ScratchUse::base_logits, logits);
    const std::size_t part = pair ? sizeof(PairPart) : std::max(sizeof(BestTwo), sizeof(PartialSum));
    const std::size_t result = pair ? sizeof(PairResult) : std::max(sizeof(BestTwo), sizeof(double));
    sizes_.raise(ScratchUse::head_parts, rows * head_parts_per_row(vocabulary) * static_cast<std::int64_t>(part));
    sizes_.raise(ScratchUse::head_results, rows * static_cast<std::int64_t>(result));
    if (!pair) add_best_parts(operation.linears.front(), std::min(rows, head_rows_without_logits));
  }

  void add_best_parts(const LinearShape& head, std::int64_t rows) {
    FewRowsArguments arguments;
    arguments.parts[0].weight = view_of_shape(head.format, head.rows, head.columns);
    if (choose_path(arguments.parts[0].weight, rows, head.compute, head.activations, gpu_.capability) !=
        LinearPath::few_rows)
      return;
    arguments.parts[0].outputs = static_cast<int>(head.rows);
    arguments.result = FewRowsResult::best;
    const std::int64_t blocks = few_rows_blocks(arguments, gpu_.multiprocessors);
    sizes_.raise(ScratchUse::best_parts, rows * blocks * static_cast<std::int64_t>(sizeof(BestTwo)));
  }

  const Workload& workload_;
  const GpuShape& gpu_;
  ScratchSizes& sizes_;
};
}  // namespace

ScratchSizes scratch_sizes(const Workload& workload, const GpuShape& gpu) {
  ScratchSizes sizes;
  Adder adder(workload, gpu, sizes);
  for (const OperationShape& operation : workload.operations) adder.add(operation);
  adder.add_attention();
  adder.add_placed();
  return sizes;
}

std::int64_t workspace_bytes(const Workload& workload, const GpuShape& gpu) {
  const std::size_t from_the_start = DynamicTables::bytes + MatrixLibrary::workspace_bytes;
  return scratch_sizes(workload, gpu).total() + workload.vector_values * float_bytes +
         PlacedFrequencies::bytes(workload.head_dim) + static_cast<std::int64_t>(from_the_start);
}

}  // namespace quantscope::cuda
