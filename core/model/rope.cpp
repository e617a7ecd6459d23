// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/model/model.h"

namespace quantscope {
namespace {

/// Hugging Face transformers, modeling_rope_utils.py, _compute_llama3_parameters: long wavelengths are slowed down by
/// `factor`, short ones kept, those between blended. In fp32, as torch does it.
float llama3_scaled(float frequency, const RopeDescription& rope) {
  const auto original = static_cast<double>(rope.original_context);
  const double low_wavelength = original / rope.low_frequency_factor;
  const double high_wavelength = original / rope.high_frequency_factor;
  const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
  const auto factor = static_cast<float>(rope.factor);
  if (wavelength > static_cast<float>(low_wavelength)) return frequency / factor;
  if (wavelength < static_cast<float>(high_wavelength)) return frequency;
  const float smooth = (static_cast<float>(original) / wavelength - static_cast<float>(rope.low_frequency_factor)) /
                       static_cast<float>(rope.high_frequency_factor - rope.low_frequency_factor);
  return (1.0F - smooth) * frequency / factor + smooth * frequency;
}

/// Number of the pair that turns `rotations` times over the original context.
double yarn_pair(double rotations, double dimensions, const RopeDescription& rope) {
  const auto original = static_cast<double>(rope.original_context);
  return dimensions * std::log(original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
}

/// Which pairs yarn keeps, divides and blends.
struct YarnRange {
  double low = 0;   ///< pairs up to here are kept
  double high = 0;  ///< pairs from here on are divided

  YarnRange(const RopeDescription& rope, std::int64_t head_dim) {
    const auto dimensions = static_cast<double>(head_dim);
    low = yarn_pair(rope.beta_fast, dimensions, rope);
    high = yarn_pair(rope.beta_slow, dimensions, rope);
    if (rope.whole_pairs) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, dimensions - 1);
    if (low == high) high += 0.001;
  }
};

/// Hugging Face transformers, modeling_rope_utils.py, _compute_yarn_parameters.
float yarn_scaled(float frequency, std::int64_t pair, const YarnRange& range, const RopeDescription& rope) {
  const float divided = frequency / static_cast<float>(rope.factor);
  const float ramp =
      (static_cast<float>(pair) - static_cast<float>(range.low)) / static_cast<float>(range.high - range.low);
  const float kept = 1.0F - std::clamp(ramp, 0.0F, 1.0F);
  return divided * (1.0F - kept) + frequency * kept;
}

}  // namespace

std::vector<float> inverse_frequencies(const ModelDescription& model) {
  const RopeDescription& rope = model.rope;
  const YarnRange yarn(rope, model.head_dim);
  std::vector<float> frequencies;
  for (std::int64_t i = 0; i < model.head_dim / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(model.head_dim);
    float frequency = 1.0F / std::pow(static_cast<float>(rope.theta), exponent);
    if (!rope.divisors.empty())
      frequency /= rope.divisors[static_cast<std::size_t>(i)];
    else if (rope.scaling == RopeScaling::llama3)
      frequency = llama3_scaled(frequency, rope);
    if (rope.scaling == RopeScaling::yarn) frequency = yarn_scaled(frequency, i, yarn, rope);
    if (rope.scaling == RopeScaling::linear) frequency /= static_cast<float>(rope.factor);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

}  // namespace quantscope
