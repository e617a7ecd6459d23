// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/norm_rope.h"

#include <array>
#include <cmath>

namespace quantscope {
namespace {
constexpr std::size_t lanes = 16;

/// Sixteen partial sums, so that compilers may use vectors without changing the order.
float sum_of_squares(std::span<const float> values) {
  std::array<float, lanes> sums{};
  const std::size_t full = values.size() / lanes * lanes;
  for (std::size_t i = 0; i < full; i += lanes) {
    for (std::size_t j = 0; j < lanes; ++j) sums[j] += values[i + j] * values[i + j];
  }
  for (std::size_t i = full; i < values.size(); ++i) sums[i - full] += values[i] * values[i];
  for (std::size_t width = lanes / 2; width > 0; width /= 2) {
    for (std::size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}
}  // namespace

void rms_norm_row(std::span<const float> input, std::span<const float> weight, float epsilon, float* output) {
  const float mean = sum_of_squares(input) / static_cast<float>(input.size());
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  const float* x = input.data();
  const float* w = weight.data();
  const std::size_t count = input.size();
  for (std::size_t i = 0; i < count; ++i) output[i] = x[i] * scale * w[i];
}

void rotation_of(std::int64_t position, std::span<const float> inverse_frequencies, float* cosines, float* sines) {
  for (std::size_t i = 0; i < inverse_frequencies.size(); ++i) {
    const float angle = static_cast<float>(position) * inverse_frequencies[i];
    cosines[i] = std::cos(angle);
    sines[i] = std::sin(angle);
  }
}

void rotate_head(const float* input, const float* cosines, const float* sines, std::int64_t half, float* output) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = input[i];
    const float b = input[half + i];
    output[i] = a * cosines[i] - b * sines[i];
    output[half + i] = b * cosines[i] + a * sines[i];
  }
}

}  // namespace quantscope
