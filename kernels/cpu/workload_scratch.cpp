// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/workload_scratch.h"

#include <algorithm>
#include <span>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/head.h"
#include "kernels/cpu/linear_scratch.h"
#include "kernels/cpu/norm_rope.h"

namespace quantscope {
namespace {
constexpr std::int64_t float_bytes = sizeof(float);

using Kind = OperationShape::Kind;

bool is_head(Kind kind) { return kind == Kind::head || kind == Kind::head_pair; }

/// Whether the linears are one group of LinearRunner, whose products are wanted together.
bool is_pair(Kind kind) { return kind == Kind::norm_gate_up || kind == Kind::head_pair; }

void raise(std::int64_t& bytes, std::int64_t needed) { bytes = std::max(bytes, needed); }

class Adder {
 public:
  Adder(const Workload& workload, const SimdKernels& kernels, int workers, ScratchSizes& sizes)
      : workload_(workload), kernels_(kernels), workers_(workers), sizes_(sizes) {}

  void add(const OperationShape& operation) {
    const Kind kind = operation.kind;
    const std::int64_t rows = is_head(kind) ? std::min(head_rows_at_once, workload_.batch_rows) : workload_.batch_rows;
    const std::int64_t hidden_bytes = rows * workload_.hidden * float_bytes;
    if (kind != Kind::linear_add && kind != Kind::linear_norm_add)
      raise(sizes_[SharedScratch::normalized], hidden_bytes);
    if (kind == Kind::head_pair) raise(sizes_[SharedScratch::second_normalized], hidden_bytes);
    if (kind == Kind::linear_norm_add) raise(sizes_[SharedScratch::projected], hidden_bytes);
    if (is_head(kind))
      raise(sizes_[SharedScratch::head_parts],
            head_part_bytes(operation.linears.front(), rows, workers_, kind == Kind::head_pair));
    add_linears(operation, rows);
  }

 private:
  void add_linears(const OperationShape& operation, std::int64_t rows) {
    std::int64_t biases = 0;
    for (std::size_t i = 0; i < operation.linears.size(); ++i) {
      const LinearShape& linear = operation.linears[i];
      const LinearScratch needed = linear_scratch(kernels_, linear, rows);
      const std::size_t slot = is_pair(operation.kind) ? i : 2 * i;
      raise(sizes_[slot % 2 == 0 ? WorkerScratch::panel : WorkerScratch::second_panel], needed.panel);
      raise(sizes_[WorkerScratch::factors], needed.factors);
      raise(sizes_[WorkerScratch::integers], needed.integers);
      raise(sizes_[WorkerScratch::products], needed.products);
      if (!shares_input(operation, i)) raise_packed(slot, needed.packed);
      if (linear.bias) biases += linear.rows * float_bytes;
    }
    raise(sizes_[SharedScratch::biases], biases);
  }

  /// Whether linear i reads what was packed for one before it.
  bool shares_input(const OperationShape& operation, std::size_t i) const {
    if (operation.kind == Kind::head_pair) return false;  // two models, two inputs
    const InputPacking packing = input_packing(kernels_, operation.linears[i]);
    return std::ranges::any_of(std::span(operation.linears).first(i),
                               [&](const LinearShape& before) { return input_packing(kernels_, before) == packing; });
  }

  void raise_packed(std::size_t slot, std::int64_t bytes) {
    if (sizes_.packed.size() <= slot) sizes_.packed.resize(slot + 1);
    raise(sizes_.packed[slot], bytes);
  }

  const Workload& workload_;
  const SimdKernels& kernels_;
  int workers_;
  ScratchSizes& sizes_;
};
}  // namespace

ScratchSizes scratch_sizes(const Workload& workload, const SimdKernels& kernels, int workers) {
  ScratchSizes sizes;
  Adder adder(workload, kernels, workers, sizes);
  for (const OperationShape& operation : workload.operations) adder.add(operation);
  const std::int64_t head_weight = workload.query_key_norm ? workload.head_dim * float_bytes : 0;
  sizes[SharedScratch::norm_weight] = std::max(workload.hidden * float_bytes, head_weight);
  sizes[SharedScratch::key_norm_weight] = head_weight;
  sizes[SharedScratch::rotation] =
      workload.batch_rows * rotation_values(workload.head_dim / 2, workload.head_dim) * float_bytes;
  sizes[WorkerScratch::scores] = score_bytes(workload.context, workload.page_tokens);
  return sizes;
}

}  // namespace quantscope
