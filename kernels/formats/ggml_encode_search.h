// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

/// Encoders of the ggml types whose scales are found by a search. They make the sum of squared errors small, each value
/// counting alike: candidate steps around the one that the extremes give, each followed by least squares for the codes
/// found, then the same once more with the scales as they are stored. ggml weights large values more; its plain squared
/// error is therefore the larger one (tests/kernels/ggml_encode_test.cpp compares).
namespace quantscope {

/// 32 values to 18 bytes (ggml_blocks.h).
void encode_iq4_nl_block(const float* values, std::byte* block);
/// 256 values to 144 bytes (ggml_k_blocks.h).
void encode_q4_k_block(const float* values, std::byte* block);
/// 256 values to 210 bytes (ggml_k_blocks.h).
void encode_q6_k_block(const float* values, std::byte* block);

}  // namespace quantscope
