// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/quantized_tensor.h"

/// Weights for timings: of zeros, a GPU draws less power and may clock higher than with any real model.
namespace quantscope::benchmarks {

/// Repeats some random bytes. `mask` keeps floats of every type finite and at most 1.
inline void fill_randomly(TaggedBuffer& buffer, unsigned mask) {
  constexpr std::size_t period = (std::size_t{1} << 16) + 3;  // shares no factor with the sizes of rows
  std::mt19937 generator(1);
  std::vector<std::byte> bytes(period);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator() & mask);
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer.data()[i] = bytes[i % period];
}

inline void fill_randomly(QuantizedTensor& tensor) {
  constexpr unsigned floats = 0x3F;
  constexpr unsigned codes = 0xFF;
  const bool has_floats = tensor.format.scale_layout == ScaleLayout::none;  // dense values, or scales inside blocks
  fill_randomly(tensor.codes, has_floats ? floats : codes);
  for (TaggedBuffer* buffer : {&tensor.scales, &tensor.nested_absmax, &tensor.zeros}) fill_randomly(*buffer, floats);
}

/// Of a row of activations.
inline std::vector<float> random_values(std::int64_t count) {
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace quantscope::benchmarks
