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

/// ln softmax(logits)[target] of a row.
QUANTSCOPE_HOST_DEVICE inline double log_probability(const PartialSum* parts, std::int64_t count) {
  float maximum = no_logit;
  float target = no_logit;
  for (std::int64_t i = 0; i < count; ++i) {
    maximum = parts[i].maximum > maximum ? parts[i].maximum : maximum;
    target = parts[i].target != no_logit ? parts[i].target : target;
  }
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum += parts[i].sum * exp(static_cast<double>(parts[i].maximum) - static_cast<double>(maximum));
  }
  return static_cast<double>(target) - static_cast<double>(maximum) - log(sum);
}

}  // namespace quantscope::cuda
