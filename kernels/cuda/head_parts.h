// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "kernels/formats/host_device.h"

/// What one stretch of the vocabulary contributes to a row's result. The device fills these, the host combines them in
/// order of the ids.
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
};

/// A part of a softmax's denominator.
struct PartialSum {
  float maximum = no_logit;
  float target = no_logit;  ///< the target's logit if it lies in this stretch
  double sum = 0.0;         ///< of exp(logit - maximum)
};

/// The best two of all parts.
inline BestTwo combine(std::span<const BestTwo> parts) {
  BestTwo row;
  for (const BestTwo& part : parts) {
    row.offer(part.best, part.id);
    row.offer(part.second, part.id);
  }
  return row;
}

/// ln softmax(logits)[target].
inline double log_probability(std::span<const PartialSum> parts) {
  float maximum = no_logit;
  float target = no_logit;
  for (const PartialSum& part : parts) {
    maximum = part.maximum > maximum ? part.maximum : maximum;
    target = part.target != no_logit ? part.target : target;
  }
  double sum = 0.0;
  for (const PartialSum& part : parts) {
    sum += part.sum * std::exp(static_cast<double>(part.maximum) - static_cast<double>(maximum));
  }
  return static_cast<double>(target) - static_cast<double>(maximum) - std::log(sum);
}

}  // namespace quantscope::cuda
