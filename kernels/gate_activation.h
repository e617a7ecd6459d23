// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace quantscope {

/// What the gate of a gated MLP goes through before it is multiplied with the up projection.
enum class GateActivation : std::uint8_t {
  silu,       ///< x / (1 + exp(-x))
  gelu_tanh,  ///< x / 2 * (1 + tanh(u)), u = sqrt(2 / pi) * (x + 0.044715 x^3): PyTorch's gelu(approximate="tanh")
};

// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)), so kernels compute both activations as x / (1 + exp(-argument)).
inline constexpr float gelu_argument_scale = 1.5957691216057308F;  ///< 2 sqrt(2 / pi)
inline constexpr float gelu_cubic = 0.044715F;

}  // namespace quantscope
