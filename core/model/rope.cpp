// SPDX-License-Identifier: GPL-3.0-or-later
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

}  // namespace

std::vector<float> inverse_frequencies(const ModelDescription& model) {
  const RopeDescription& rope = model.rope;
  std::vector<float> frequencies;
  for (std::int64_t i = 0; i < model.head_dim / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(model.head_dim);
    float frequency = 1.0F / std::pow(static_cast<float>(rope.theta), exponent);
    if (!rope.divisors.empty())
      frequency /= rope.divisors[static_cast<std::size_t>(i)];
    else if (rope.scaling == RopeScaling::llama3)
      frequency = llama3_scaled(frequency, rope);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

}  // namespace quantscope
