// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/head.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace quantscope {
namespace {
constexpr float lowest = -std::numeric_limits<float>::infinity();

/// The two best logits of a row, whatever the order they come in.
struct BestTwo {
  float best = lowest;
  float second = lowest;
  std::int32_t id = std::numeric_limits<std::int32_t>::max();

  void offer(float logit, std::int32_t candidate) {
    if (logit > best || (logit == best && candidate < id)) {
      second = best;
      best = logit;
      id = candidate;
    } else if (logit > second) {
      second = logit;
    }
  }
  void merge(const BestTwo& other) {
    offer(other.best, other.id);
    second = std::max(second, other.second);
  }
};

/// The part of a softmax's denominator that comes from one vocabulary tile.
struct PartialSum {
  float maximum = lowest;
  double sum = 0.0;  // of exp(logit - maximum)
};

double total_logarithm(std::span<const PartialSum> parts) {
  float maximum = lowest;
  for (const PartialSum& part : parts) maximum = std::max(maximum, part.maximum);
  double sum = 0.0;
  for (const PartialSum& part : parts) sum += part.sum * std::exp(static_cast<double>(part.maximum - maximum));
  return static_cast<double>(maximum) + std::log(sum);
}

Result<void> run_head(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                      const TileSink& sink) {
  const LinearGroup group{{&head, nullptr}, 1};
  return runner.run(input, rows, {&group, 1}, sink);
}
}  // namespace

Result<void> compute_logits(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                            std::span<float> logits) {
  const std::int64_t vocabulary = head.weight->rows;
  return run_head(runner, input, rows, head, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      std::copy_n(tile.row(0, m), tile.outputs, logits.data() + (tile.first_row + m) * vocabulary + tile.first_output);
    }
  });
}

Result<void> find_top(CpuContext& context, LinearRunner& runner, const float* input, std::int64_t rows,
                      const Linear& head, std::span<TopToken> top) {
  const auto workers = static_cast<std::size_t>(context.threads());
  std::vector<std::vector<BestTwo>> best(workers, std::vector<BestTwo>(static_cast<std::size_t>(rows)));
  auto done = run_head(runner, input, rows, head, [&](const ProductTile& tile, int worker) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      BestTwo& row = best[static_cast<std::size_t>(worker)][static_cast<std::size_t>(tile.first_row + m)];
      const float* logits = tile.row(0, m);
      for (std::int64_t n = 0; n < tile.outputs; ++n) {
        row.offer(logits[n], static_cast<std::int32_t>(tile.first_output + n));
      }
    }
  });
  if (!done) return done;
  for (std::size_t m = 0; m < top.size(); ++m) {
    BestTwo row = best[0][m];
    for (std::size_t worker = 1; worker < workers; ++worker) row.merge(best[worker][m]);
    if (row.best == lowest) {
      return fail(ErrorCode::invalid_argument,
                  "The model gave no finite logits; check its weights, or compute in FP32 or BF16.");
    }
    top[m] = {row.id, row.best, row.best - row.second};
  }
  return {};
}

Result<void> compute_log_probabilities(CpuContext& context, LinearRunner& runner, const float* input, std::int64_t rows,
                                       const Linear& head, std::span<const std::int32_t> targets,
                                       std::span<double> log_probabilities) {
  const std::int64_t tiles = tile_count(*head.weight);
  std::vector<PartialSum> parts(static_cast<std::size_t>(rows * tiles));
  const SimdKernels& kernels = context.kernels();
  auto done = run_head(runner, input, rows, head, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      const float* logits = tile.row(0, m);
      const auto row = static_cast<std::size_t>(tile.first_row + m);
      PartialSum& part = parts[row * static_cast<std::size_t>(tiles) + static_cast<std::size_t>(tile.tile)];
      part.maximum = kernels.maximum(logits, tile.outputs);
      part.sum = kernels.sum_exponentials(logits, tile.outputs, part.maximum);
      const std::int64_t target = targets[row] - tile.first_output;
      if (target >= 0 && target < tile.outputs) log_probabilities[row] = static_cast<double>(logits[target]);
    }
  });
  if (!done) return done;
  for (std::int64_t m = 0; m < rows; ++m) {
    const std::span<const PartialSum> row(parts.data() + m * tiles, static_cast<std::size_t>(tiles));
    log_probabilities[static_cast<std::size_t>(m)] -= total_logarithm(row);
  }
  return {};
}

}  // namespace quantscope
