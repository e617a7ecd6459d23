// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"

/// Row-wise operations that are the same at every dispatch level, in fp32.
namespace quantscope {

/// output = (input / sqrt(mean(input^2) + epsilon)) * weight, the order of Hugging Face's LlamaRMSNorm.
void rms_norm_row(std::span<const float> input, std::span<const float> weight, float epsilon, float* output);

/// Values of scratch that rotating one row needs: an angle's cosine and sine for each pair, and two heads.
constexpr std::int64_t rotation_values(std::int64_t pairs, std::int64_t head_dim) { return 2 * (pairs + head_dim); }

/// Cosines and sines of position * inverse_frequencies[i].
void rotation_of(std::int64_t position, std::span<const float> inverse_frequencies, float* cosines, float* sines);

/// Rotates value i of the first half of a head with value i of the second half.
void rotate_head(const float* input, const float* cosines, const float* sines, std::int64_t half, float* output);

}  // namespace quantscope
