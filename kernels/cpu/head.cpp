// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/head.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

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

/// ln of the sum of exp(logit) over the vocabulary; `side` picks the sum of a part.
template <class Part, class Side>
double total_logarithm(std::span<const Part> parts, const Side& side) {
  float maximum = lowest;
  for (const Part& part : parts) maximum = std::max(maximum, side(part).maximum);
  double sum = 0.0;
  for (const Part& part : parts) sum += side(part).sum * std::exp(static_cast<double>(side(part).maximum - maximum));
  return static_cast<double>(maximum) + std::log(sum);
}

/// `count` fresh values of T in the device's scratch for partial results.
template <class T>
Result<std::span<T>> fresh_parts(CpuContext& context, std::int64_t count) {
  auto memory = context.reserve<T>(SharedScratch::head_parts, count);
  if (!memory) return tl::unexpected(memory.error());
  std::uninitialized_fill_n(*memory, count, T{});
  return std::span<T>(*memory, static_cast<std::size_t>(count));
}

Result<void> run_head(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                      const TileSink& sink) {
  const LinearGroup group{{&head, nullptr}, 1};
  return runner.run(input, rows, {&group, 1}, sink);
}
/// What one vocabulary tile adds to the comparison of two heads.
struct PairPart {
  PartialSum base, other;
  double weighted = 0.0;  // of exp(base - base maximum) * (base - other)
  std::int32_t base_top = 0, other_top = 0;
};

std::int32_t first_with(const float* logits, std::int64_t count, float value) {
  return static_cast<std::int32_t>(std::find(logits, logits + count, value) - logits);
}

PairPart compare_tile(const SimdKernels& kernels, const ProductTile& tile, std::int64_t row) {
  const float* base = tile.row(0, row);
  const float* other = tile.row(1, row);
  const auto first = static_cast<std::int32_t>(tile.first_output);
  PairPart part;
  part.base.maximum = kernels.maximum(base, tile.outputs);
  part.other.maximum = kernels.maximum(other, tile.outputs);
  const DivergenceSums sums = kernels.divergence_sums(base, other, tile.outputs, part.base.maximum);
  part.base.sum = sums.exponentials;
  part.weighted = sums.weighted;
  part.other.sum = kernels.sum_exponentials(other, tile.outputs, part.other.maximum);
  part.base_top = first + first_with(base, tile.outputs, part.base.maximum);
  part.other_top = first + first_with(other, tile.outputs, part.other.maximum);
  return part;
}

/// The most probable token of a row: tiles come in the order of their ids.
template <PartialSum PairPart::*side, std::int32_t PairPart::*top>
std::int32_t top_of(std::span<const PairPart> parts) {
  const PairPart* best = parts.data();
  for (const PairPart& part : parts)
    if ((part.*side).maximum > (best->*side).maximum) best = &part;
  return best->*top;
}

/// KL = E_base[base - other] - (ln Z_base - ln Z_other). `pair` holds the logits of the target.
Result<void> finish_pair(std::span<const PairPart> parts, HeadPair& pair) {
  const double base_total = total_logarithm(parts, std::mem_fn(&PairPart::base));
  const double other_total = total_logarithm(parts, std::mem_fn(&PairPart::other));
  double expected = 0.0;
  for (const PairPart& part : parts)
    expected += part.weighted * std::exp(static_cast<double>(part.base.maximum) - base_total);
  pair.divergence = expected - (base_total - other_total);
  pair.base_log_probability -= base_total;
  pair.log_probability -= other_total;
  pair.same_top =
      top_of<&PairPart::base, &PairPart::base_top>(parts) == top_of<&PairPart::other, &PairPart::other_top>(parts);
  if (std::isfinite(pair.divergence)) return {};
  return fail(ErrorCode::invalid_argument,
              "A model gave logits that are not finite; check its weights, or compute in FP32 or BF16.");
}
}  // namespace

std::int64_t head_part_bytes(const LinearShape& head, std::int64_t rows, int workers, bool pair) {
  const auto tiles = static_cast<std::size_t>(tile_count(head.rows, head.columns));
  const std::size_t per_row =
      pair ? tiles * sizeof(PairPart)
           : std::max(tiles * sizeof(PartialSum), static_cast<std::size_t>(workers) * sizeof(BestTwo));
  return rows * static_cast<std::int64_t>(per_row);
}

Result<void> compute_logits(LinearRunner& runner, const float* input, std::int64_t rows, const Linear& head,
                            std::span<float> logits) {
  const std::int64_t vocabulary = head.weight->rows;
  return run_head(runner, input, rows, head, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      std::copy_n(tile.row(0, m), tile.outputs, logits.data() + (tile.first_row + m) * vocabulary + tile.first_output);
    }
  });
}

Result<void> find_top(CpuContext& context, LinearRunner& runner, const float* input, const Linear& head,
                      std::span<TopToken> top) {
  const std::int64_t rows = std::ssize(top);
  const int workers = context.threads();
  auto parts = fresh_parts<BestTwo>(context, workers * rows);
  if (!parts) return tl::unexpected(parts.error());
  const auto best_of = [&](int worker, std::int64_t row) -> BestTwo& {
    return (*parts)[static_cast<std::size_t>(worker * rows + row)];
  };
  auto done = run_head(runner, input, rows, head, [&](const ProductTile& tile, int worker) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      BestTwo& row = best_of(worker, tile.first_row + m);
      const float* logits = tile.row(0, m);
      for (std::int64_t n = 0; n < tile.outputs; ++n) {
        row.offer(logits[n], static_cast<std::int32_t>(tile.first_output + n));
      }
    }
  });
  if (!done) return done;
  for (std::int64_t m = 0; m < rows; ++m) {
    BestTwo row = best_of(0, m);
    for (int worker = 1; worker < workers; ++worker) row.merge(best_of(worker, m));
    if (row.best == lowest) {
      return fail(ErrorCode::invalid_argument,
                  "The model gave no finite logits; check its weights, or compute in FP32 or BF16.");
    }
    top[static_cast<std::size_t>(m)] = {row.id, row.best, row.best - row.second};
  }
  return {};
}

Result<void> compute_log_probabilities(CpuContext& context, LinearRunner& runner, const float* input,
                                       const Linear& head, std::span<const std::int32_t> targets,
                                       std::span<double> log_probabilities) {
  const std::int64_t rows = std::ssize(targets);
  const std::int64_t tiles = tile_count(*head.weight);
  auto parts = fresh_parts<PartialSum>(context, rows * tiles);
  if (!parts) return tl::unexpected(parts.error());
  const SimdKernels& kernels = context.kernels();
  auto done = run_head(runner, input, rows, head, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      const float* logits = tile.row(0, m);
      const auto row = static_cast<std::size_t>(tile.first_row + m);
      PartialSum& part = (*parts)[row * static_cast<std::size_t>(tiles) + static_cast<std::size_t>(tile.tile)];
      part.maximum = kernels.maximum(logits, tile.outputs);
      part.sum = kernels.sum_exponentials(logits, tile.outputs, part.maximum);
      const std::int64_t target = targets[row] - tile.first_output;
      if (target >= 0 && target < tile.outputs) log_probabilities[row] = static_cast<double>(logits[target]);
    }
  });
  if (!done) return done;
  for (std::int64_t m = 0; m < rows; ++m) {
    const std::span<const PartialSum> row(parts->data() + m * tiles, static_cast<std::size_t>(tiles));
    log_probabilities[static_cast<std::size_t>(m)] -= total_logarithm(row, std::identity());
  }
  return {};
}

Result<void> compare_heads(CpuContext& context, LinearRunner& runner, const float* base_input, const Linear& base,
                           const float* other_input, const Linear& other, std::span<const std::int32_t> targets,
                           std::span<HeadPair> pairs) {
  const auto tiles = static_cast<std::size_t>(tile_count(*base.weight));
  auto parts = fresh_parts<PairPart>(context, static_cast<std::int64_t>(targets.size() * tiles));
  if (!parts) return tl::unexpected(parts.error());
  const SimdKernels& kernels = context.kernels();
  const LinearGroup group{{&base, &other}, 2, other_input};
  auto done = runner.run(base_input, std::ssize(targets), {&group, 1}, [&](const ProductTile& tile, int) {
    for (std::int64_t m = 0; m < tile.rows; ++m) {
      const auto row = static_cast<std::size_t>(tile.first_row + m);
      (*parts)[row * tiles + static_cast<std::size_t>(tile.tile)] = compare_tile(kernels, tile, m);
      const std::int64_t target = targets[row] - tile.first_output;
      if (target < 0 || target >= tile.outputs) continue;
      pairs[row].base_log_probability = static_cast<double>(tile.row(0, m)[target]);
      pairs[row].log_probability = static_cast<double>(tile.row(1, m)[target]);
    }
  });
  if (!done) return done;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    const std::span<const PairPart> of_row(parts->data() + row * tiles, tiles);
    if (auto finished = finish_pair(of_row, pairs[row]); !finished) return finished;
  }
  return {};
}

}  // namespace quantscope
