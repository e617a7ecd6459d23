// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/formats/host_device.h"

/// What one stretch of the vocabulary contributes to a row's result. They are combined in order of the ids.
namespace quantscope::cuda {

inline constexpr float no_logit = -INFINITY;

/// The two best logits. NaN is passed over.
struct BestTwo {
  float best = no_logit;
  float second = no_logit;
  std::int32_t id = 0;

  /// Ids come in ascending order, so the lowest one wins a tie.
  QUANTSCOPE_HOST_DEVICE void offer(float logit, std::int32_t candidate) {
    if (logit > best) {
      second = best;
      best = logit;
      id = candidate;
    } else if (logit > second) {
      second = logit;
    }
  }
  /// The two best of both, whatever their order.
  QUANTSCOPE_HOST_DEVICE void merge(const BestTwo& other) {
    const bool better = other.best > best || (other.best == best && other.id < id);
    const float loser = better ? best : other.best;
    if (better) {
      best = other.best;
      second = other.second;
      id = other.id;
    }
    second = loser > second ? loser : second;
  }
};

/// A part of a softmax's denominator.
struct PartialSum {
  float maximum = no_logit;
  float target = no_logit;  ///< the target's logit if it lies in this stretch
  double sum = 0.0;         ///< of exp(logit - maximum)
};

/// Adds up the partial sums of a row in the order of the ids.
class RowTotal {
 public:
  QUANTSCOPE_HOST_DEVICE void see(const PartialSum& part) {
    maximum_ = part.maximum > maximum_ ? part.maximum : maximum_;
    target_ = part.target != no_logit ? part.target : target_;
  }
  /// After all parts were seen.
  QUANTSCOPE_HOST_DEVICE void add(const PartialSum& part) { sum_ += part.sum * weight(part); }
  /// exp(maximum of the part - maximum of the row)
  QUANTSCOPE_HOST_DEVICE double weight(const PartialSum& part) const {
    return exp(static_cast<double>(part.maximum) - static_cast<double>(maximum_));
  }
  QUANTSCOPE_HOST_DEVICE double sum() const { return sum_; }
  QUANTSCOPE_HOST_DEVICE double logarithm() const { return static_cast<double>(maximum_) + log(sum_); }
  QUANTSCOPE_HOST_DEVICE double log_probability() const {
    return static_cast<double>(target_) - static_cast<double>(maximum_) - log(sum_);
  }

 private:
  float maximum_ = no_logit;
  float target_ = no_logit;
  double sum_ = 0.0;
};

/// ln softmax(logits)[target] of a row.
QUANTSCOPE_HOST_DEVICE inline double log_probability(const PartialSum* parts, std::int64_t count) {
  RowTotal total;
  for (std::int64_t i = 0; i < count; ++i) total.see(parts[i]);
  for (std::int64_t i = 0; i < count; ++i) total.add(parts[i]);
  return total.log_probability();
}

/// What one stretch adds to the comparison of two heads.
struct PairPart {
  PartialSum base, other;
  double weighted = 0.0;  ///< of exp(base - base maximum) * (base - other)
  std::int32_t base_top = 0, other_top = 0;
};

/// As HeadPair, of device memory.
struct PairResult {
  double base_log_probability = 0.0;
  double log_probability = 0.0;
  double divergence = 0.0;
  std::int32_t base_top = 0, other_top = 0;
};

/// KL = E_base[base - other] - (ln Z_base - ln Z_other).
QUANTSCOPE_HOST_DEVICE inline PairResult compare_row(const PairPart* parts, std::int64_t count) {
  RowTotal base, other;
  PairResult result;
  float base_best = no_logit, other_best = no_logit;
  for (std::int64_t i = 0; i < count; ++i) {
    base.see(parts[i].base);
    other.see(parts[i].other);
    if (parts[i].base.maximum > base_best) result.base_top = parts[i].base_top;
    if (parts[i].other.maximum > other_best) result.other_top = parts[i].other_top;
    base_best = parts[i].base.maximum > base_best ? parts[i].base.maximum : base_best;
    other_best = parts[i].other.maximum > other_best ? parts[i].other.maximum : other_best;
  }
  double weighted = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    base.add(parts[i].base);
    other.add(parts[i].other);
    weighted += parts[i].weighted * base.weight(parts[i].base);
  }
  result.base_log_probability = base.log_probability();
  result.log_probability = other.log_probability();
  result.divergence = weighted / base.sum() - (base.logarithm() - other.logarithm());
  return result;
}

}  // namespace quantscope::cuda
