// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/int8_linear.h"
#include "kernels/cpu/reference/decode.h"
#include "kernels/cpu/rounded_linear.h"
#include "kernels/operation_checks.h"

namespace quantscope {
namespace {
// A multiple of every kernel's panel_rows.
constexpr std::int64_t smallest_tile = 24;
}  // namespace

std::int64_t tile_outputs(std::int64_t columns) { return columns <= 2048 ? 2 * smallest_tile : smallest_tile; }

std::int64_t tile_count(const Weight& weight) {
  const std::int64_t outputs = tile_outputs(weight.columns);
  return (weight.rows + outputs - 1) / outputs;
}

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
  auto values = bias_values_.reserve<float>(context_->ledger(), total);
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

Result<std::unique_ptr<PreparedLinear>> LinearRunner::prepare(const float* input, std::int64_t rows,
                                                              const Linear& linear, std::size_t slot) {
  const auto panel = slot % 2 == 0 ? &WorkerScratch::panel : &WorkerScratch::second_panel;
  if (linear.activations == ActivationMode::int8_outliers) {
    return Int8Linear::create(*context_, linear, input, rows, panel);
  }
  const LinearKernel& kernel = kernel_for(*context_, linear);
  for (std::size_t other = 0; other < slot; ++other) {
    if (packed_from_[other] == input && packed_for_[other]->pack == kernel.pack) {
      return RoundedLinear::create(*context_, linear, packed_[other].data<std::byte>(), rows, panel);
    }
  }
  const std::int64_t columns = linear.weight->columns;
  const std::int64_t bytes = rows * padded_columns(kernel, columns) * kernel.element_bytes;
  auto packed = packed_[slot].reserve<std::byte>(context_->ledger(), bytes);
  if (!packed) return tl::unexpected(packed.error());
  if (auto done = pack_rows(*context_, kernel, input, rows, columns, *packed); !done) {
    return tl::unexpected(done.error());
  }
  packed_for_[slot] = &kernel;
  packed_from_[slot] = input;
  return RoundedLinear::create(*context_, linear, *packed, rows, panel);
}

Result<void> LinearRunner::prepare_all(const float* input, std::int64_t rows, std::span<const LinearGroup> groups) {
  prepared_.clear();
  prepared_.resize(2 * groups.size());
  packed_for_.assign(prepared_.size(), nullptr);
  packed_from_.assign(prepared_.size(), nullptr);
  if (packed_.size() < prepared_.size()) packed_.resize(prepared_.size());
  std::int64_t outputs = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (auto valid = check(groups[g]); !valid) return valid;
    outputs = std::max(outputs, tile_outputs(groups[g].linears[0]->weight->columns));
    for (std::size_t i = 0; i < groups[g].count; ++i) {
      const float* source = i == 1 && groups[g].second_input != nullptr ? groups[g].second_input : input;
      auto prepared = prepare(source, rows, *groups[g].linears[i], 2 * g + i);
      if (!prepared) return tl::unexpected(prepared.error());
      prepared_[2 * g + i] = std::move(*prepared);
    }
  }
  if (auto biases = decode_biases(groups); !biases) return biases;
  return context_->reserve_per_worker<float>(&WorkerScratch::products, 2 * std::min(rows, rows_per_chunk) * outputs);
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
  float* const products = context_->worker(worker).products.data<float>();
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
