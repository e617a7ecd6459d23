// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/int8_linear.h"
#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/rounded_linear.h"
#include "kernels/operation_checks.h"

namespace quantscope {
Result<void> LinearRunner::check(const LinearGroup& group) const {
  for (std::size_t i = 0; i < group.count; ++i) {
    const Linear& linear = *group.linears[i];
    if (auto valid = check_bias(linear); !valid) return valid;
    if (auto valid = check_pair(*group.linears[0]->weight, *linear.weight); !valid) return valid;
  }
  return {};
}

Result<void> LinearRunner::decode_biases(std::span<const LinearGroup> groups) {
  std::int64_t total = 0;
  for (const LinearGroup& group : groups) {
    for (std::size_t i = 0; i < group.count; ++i) total += group.linears[i]->bias ? group.linears[i]->weight->rows : 0;
  }
  biases_.assign(2 * groups.size(), nullptr);
  if (total == 0) return {};
  auto values = context_->reserve<float>(SharedScratch::biases, total);
  if (!values) return tl::unexpected(values.error());
  float* next = *values;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t i = 0; i < groups[g].count; ++i) {
      const Weight* bias = groups[g].linears[i]->bias;
      if (bias == nullptr) continue;
      reference::decode_rows(as_cpu(*bias).tensor(), 0, 1, {next, static_cast<std::size_t>(bias->columns)});
      biases_[2 * g + i] = next;
      next += bias->columns;
    }
  }
  return {};
}

Result<void> LinearRunner::reserve_for_workers(const LinearScratch& needed, WorkerScratch panel) {
  return context_->reserve(panel, needed.panel)
      .and_then([&] { return context_->reserve(WorkerScratch::factors, needed.factors); })
      .and_then([&] { return context_->reserve(WorkerScratch::integers, needed.integers); })
      .and_then([&] { return context_->reserve(WorkerScratch::products, needed.products); });
}

Result<const LinearRunner::PackedInput*> LinearRunner::pack(const float* input, std::int64_t rows, const Linear& linear,
                                                            std::size_t slot, std::int64_t bytes) {
  PackedInput& own = packed_[slot];
  own.source = input;
  own.packing = input_packing(context_->kernels(), shape_of(linear));
  own.outlier_threshold = linear.outlier_threshold;
  own.outlier_scope = linear.outlier_scope;
  const auto shared = std::ranges::find_if(std::span(packed_).first(slot),
                                           [&](const PackedInput& packed) { return packed.serves(own); });
  if (shared != std::span(packed_).first(slot).end()) {
    own = *shared;
    return &own;
  }
  auto memory = context_->reserve_packed(slot, bytes);
  if (!memory) return tl::unexpected(memory.error());
  if (linear.activations == ActivationMode::int8_outliers) {
    auto encoded = Int8Input::encode(*context_, linear, input, rows, reinterpret_cast<std::int16_t*>(*memory));
    if (!encoded) return tl::unexpected(encoded.error());
    own.int8 = std::move(*encoded);
    return &own;
  }
  const LinearKernel& kernel = kernel_for(context_->kernels(), as_cpu(*linear.weight).kind(), linear.compute);
  if (auto done = pack_rows(*context_, kernel, input, rows, linear.weight->columns, *memory); !done)
    return tl::unexpected(done.error());
  own.rows = *memory;
  return &own;
}

Result<std::unique_ptr<PreparedLinear>> LinearRunner::prepare(const float* input, std::int64_t rows,
                                                              const Linear& linear, std::size_t slot) {
  const bool int8 = linear.activations == ActivationMode::int8_outliers;
  if (int8) {
    if (auto valid = check_int8(linear); !valid) return tl::unexpected(valid.error());
  }
  const LinearScratch needed = linear_scratch(context_->kernels(), shape_of(linear), rows);
  const WorkerScratch panel = slot % 2 == 0 ? WorkerScratch::panel : WorkerScratch::second_panel;
  if (auto ready = reserve_for_workers(needed, panel); !ready) return tl::unexpected(ready.error());
  auto packed = pack(input, rows, linear, slot, needed.packed);
  if (!packed) return tl::unexpected(packed.error());
  if (int8) return std::make_unique<Int8Linear>(*context_, linear, (*packed)->int8, panel);
  const LinearKernel& kernel = kernel_for(context_->kernels(), as_cpu(*linear.weight).kind(), linear.compute);
  return std::make_unique<RoundedLinear>(*context_, linear, kernel, (*packed)->rows, rows, panel);
}

Result<void> LinearRunner::prepare_all(const float* input, std::int64_t rows, std::span<const LinearGroup> groups) {
  prepared_.clear();
  prepared_.resize(2 * groups.size());
  packed_.assign(prepared_.size(), {});
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (auto valid = check(groups[g]); !valid) return valid;
    for (std::size_t i = 0; i < groups[g].count; ++i) {
      const float* source = i == 1 && groups[g].second_input != nullptr ? groups[g].second_input : input;
      auto prepared = prepare(source, rows, *groups[g].linears[i], 2 * g + i);
      if (!prepared) return tl::unexpected(prepared.error());
      prepared_[2 * g + i] = std::move(*prepared);
    }
  }
  return decode_biases(groups);
}

Result<void> LinearRunner::run(const float* input, std::int64_t rows, std::span<const LinearGroup> groups,
                               const TileSink& sink) {
  if (auto ready = prepare_all(input, rows, groups); !ready) return ready;
  std::vector<Task> tasks;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::int64_t tile = 0; tile < tile_count(*groups[g].linears[0]->weight); ++tile) tasks.push_back({g, tile});
  }
  return context_->for_each(std::ssize(tasks), [&](std::int64_t index, int worker) {
    run_task(tasks[static_cast<std::size_t>(index)], rows, groups, sink, worker);
  });
}

void LinearRunner::run_task(const Task& task, std::int64_t rows, std::span<const LinearGroup> groups,
                            const TileSink& sink, int worker) {
  const LinearGroup& group = groups[task.group];
  const Weight& weight = *group.linears[0]->weight;
  const std::int64_t stride = tile_outputs(weight.columns);
  ProductTile tile;
  tile.group = task.group;
  tile.tile = task.tile;
  tile.first_output = task.tile * stride;
  tile.outputs = std::min(stride, weight.rows - tile.first_output);
  tile.stride = stride;
  auto* const products = context_->worker_scratch<float>(worker, WorkerScratch::products);
  for (tile.first_row = 0; tile.first_row < rows && !context_->stopped(); tile.first_row += rows_per_chunk) {
    tile.rows = std::min(rows_per_chunk, rows - tile.first_row);
    for (std::size_t i = 0; i < group.count; ++i) {
      PreparedLinear& linear = *prepared_[2 * task.group + i];
      if (tile.first_row == 0) linear.begin_tile(tile.first_output, tile.outputs, worker);
      float* const out = products + static_cast<std::int64_t>(i) * tile.rows * stride;
      linear.multiply(tile.first_row, tile.rows, out, stride, worker);
      tile.products[i] = out;
      const float* bias = biases_[2 * task.group + i];
      for (std::int64_t m = 0; bias != nullptr && m < tile.rows; ++m) {
        for (std::int64_t n = 0; n < tile.outputs; ++n) out[m * stride + n] += bias[tile.first_output + n];
      }
      if (const float cap = group.linears[i]->soft_cap; cap != 0.0F) {
        for (std::int64_t m = 0; m < tile.rows; ++m) {
          for (std::int64_t n = 0; n < tile.outputs; ++n)
            out[m * stride + n] = cap * std::tanh(out[m * stride + n] / cap);
        }
      }
    }
    sink(tile, worker);
  }
}

}  // namespace quantscope
