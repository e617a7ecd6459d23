// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/formats/ggml_encode_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/formats/ggml_block_encode.h"
#include "kernels/formats/ggml_k_blocks.h"

namespace quantscope {
namespace {

constexpr int lanes = 8;

/// Sum of term(i) for i in [0, count), in a fixed order that the compiler can vectorize. count is a multiple of 8.
template <int count, class Term>
float sum_of(const Term& term) {
  float parts[lanes] = {};
  for (int i = 0; i < count; i += lanes)
    for (int lane = 0; lane < lanes; ++lane) parts[lane] += term(i + lane);
  return ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]));
}

float stored(float value) { return fp16_to_fp32(fp32_to_fp16(value)); }

float round_inside(float value, float low, float high) {
  const float above = value > low ? value : low;  // NaN becomes low
  return round_half_even(above < high ? above : high);
}

/// A value of the largest magnitude among `count`, with its sign.
template <int count>
float extreme_of(const float* values) {
  float extreme = 0.0F;
  for (int i = 0; i < count; ++i) extreme = magnitude(values[i]) > magnitude(extreme) ? values[i] : extreme;
  return extreme;
}

// IQ4_NL -----------------------------------------------------------------------------------------------------------

struct LevelCodes {
  float step = 0.0F;  ///< as stored
  float error = 0.0F;
  std::uint32_t codes[32] = {};
};

void nearest_levels(const float* values, float step, std::uint32_t* codes) {
  const float inverse = detail::inverse_step(step);
  for (int i = 0; i < 32; ++i) {
    const float position = values[i] * inverse;
    std::uint32_t code = 0;
    for (int level = 0; level < 15; ++level)
      code += position > 0.5F * static_cast<float>(iq4_levels[level] + iq4_levels[level + 1]) ? 1U : 0U;
    codes[i] = code;
  }
}

/// The codes for a step, then the least-squares step of these codes, then the codes for that one.
LevelCodes fit_levels(const float* values, float step) {
  LevelCodes fit;
  nearest_levels(values, step, fit.codes);
  float levels[32] = {};
  const auto read_levels = [&] {
    for (int i = 0; i < 32; ++i) levels[i] = static_cast<float>(iq4_levels[fit.codes[i]]);
  };
  read_levels();
  const float squares = sum_of<32>([&](int i) { return levels[i] * levels[i]; });
  fit.step = stored(sum_of<32>([&](int i) { return values[i] * levels[i]; }) / squares);
  nearest_levels(values, fit.step, fit.codes);
  read_levels();
  fit.error = sum_of<32>([&](int i) {
    const float difference = values[i] - fit.step * levels[i];
    return difference * difference;
  });
  return fit;
}

// Q4_K: sub-blocks of 32 values s * q - m with s, m >= 0 ----------------------------------------------------------

struct Affine {
  float step = 0.0F;
  float minimum = 0.0F;  ///< m
};

void affine_codes(const float* values, const Affine& fit, float* codes) {
  const float inverse = detail::inverse_step(fit.step);
  for (int i = 0; i < 32; ++i) codes[i] = round_inside((values[i] + fit.minimum) * inverse, 0.0F, 15.0F);
}

float affine_error(const float* values, const Affine& fit, const float* codes) {
  return sum_of<32>([&](int i) {
    const float difference = values[i] - (fit.step * codes[i] - fit.minimum);
    return difference * difference;
  });
}

/// The step and minimum of least squares for given codes; `before` where there is no unique one.
Affine affine_least_squares(const float* values, const float* codes, const Affine& before) {
  const float ones = sum_of<32>([&](int i) { return codes[i]; });
  const float squares = sum_of<32>([&](int i) { return codes[i] * codes[i]; });
  const float mixed = sum_of<32>([&](int i) { return values[i] * codes[i]; });
  const float total = sum_of<32>([&](int i) { return values[i]; });
  const float determinant = 32.0F * squares - ones * ones;
  if (!(determinant > 0.0F)) return before;
  Affine fit{(32.0F * mixed - total * ones) / determinant, 0.0F};
  fit.minimum = (fit.step * ones - total) / 32.0F;
  if (fit.minimum < 0.0F) fit = {mixed / squares, 0.0F};
  return fit.step > 0.0F ? fit : before;
}

Affine search_affine(const float* values) {
  float low = 0.0F, high = values[0];
  for (int i = 0; i < 32; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  Affine best{0.0F, -low};
  if (!(high > low)) return best;
  float best_error = -1.0F;
  float codes[32] = {};
  // Steps smaller than the range asks for clip the extremes, which often pays.
  for (float intervals = 13.5F; intervals < 19.0F; intervals += 0.5F) {
    Affine fit{(high - low) / intervals, -low};
    for (int round = 0; round < 2; ++round) {
      affine_codes(values, fit, codes);
      fit = affine_least_squares(values, codes, fit);
    }
    affine_codes(values, fit, codes);
    const float error = affine_error(values, fit, codes);
    if (best_error >= 0.0F && !(error < best_error)) continue;
    best = fit;
    best_error = error;
  }
  return best;
}

/// A block of Q4_K while it is made.
struct AffineBlock {
  float scale = 0.0F;    ///< d as stored
  float minimum = 0.0F;  ///< dmin as stored
  float scales[8] = {};
  float minimums[8] = {};
  float codes[256] = {};

  Affine of(int sub_block) const { return {scale * scales[sub_block], minimum * minimums[sub_block]}; }

  float encode(const float* values, int sub_block) {
    affine_codes(values + 32 * sub_block, of(sub_block), codes + 32 * sub_block);
    return affine_error(values + 32 * sub_block, of(sub_block), codes + 32 * sub_block);
  }

  /// The best of the 6-bit scale and minimum and their neighbours.
  float choose(const float* values, int sub_block, const Affine& wanted) {
    const float middle_scale = round_inside(wanted.step * detail::inverse_step(scale), 0.0F, 63.0F);
    const float middle_minimum = round_inside(wanted.minimum * detail::inverse_step(minimum), 0.0F, 63.0F);
    float best_error = -1.0F, best_scale = middle_scale, best_minimum = middle_minimum;
    for (float s = std::max(0.0F, middle_scale - 1); s <= std::min(63.0F, middle_scale + 1); ++s)
      for (float m = std::max(0.0F, middle_minimum - 1); m <= std::min(63.0F, middle_minimum + 1); ++m) {
        scales[sub_block] = s;
        minimums[sub_block] = m;
        const float error = encode(values, sub_block);
        if (best_error >= 0.0F && !(error < best_error)) continue;
        best_error = error;
        best_scale = s;
        best_minimum = m;
      }
    scales[sub_block] = best_scale;
    minimums[sub_block] = best_minimum;
    return encode(values, sub_block);
  }

  /// d and dmin of least squares for what is chosen; false where there is no unique one.
  bool refit(const float* values) {
    double ss = 0, sm = 0, mm = 0, xs = 0, xm = 0;
    for (int i = 0; i < 256; ++i) {
      const double s = static_cast<double>(scales[i / 32] * codes[i]), m = static_cast<double>(-minimums[i / 32]);
      const double x = static_cast<double>(values[i]);
      ss += s * s;
      sm += s * m;
      mm += m * m;
      xs += x * s;
      xm += x * m;
    }
    const double determinant = ss * mm - sm * sm;
    if (mm == 0.0 && ss > 0.0) {
      scale = stored(static_cast<float>(xs / ss));
      return scale > 0.0F;
    }
    if (!(determinant > 1e-9 * ss * mm)) return false;
    scale = stored(static_cast<float>((xs * mm - xm * sm) / determinant));
    minimum = stored(static_cast<float>((xm * ss - xs * sm) / determinant));
    return scale > 0.0F && minimum >= 0.0F;
  }
};

void store_k_scales(const AffineBlock& made, std::byte* packed) {
  for (int i = 0; i < 4; ++i) {
    const auto scale = static_cast<std::uint32_t>(made.scales[i]),
               minimum = static_cast<std::uint32_t>(made.minimums[i]);
    const auto upper_scale = static_cast<std::uint32_t>(made.scales[i + 4]);
    const auto upper_minimum = static_cast<std::uint32_t>(made.minimums[i + 4]);
    detail::store_u8(packed + i, scale | upper_scale >> 4 << 6);
    detail::store_u8(packed + 4 + i, minimum | upper_minimum >> 4 << 6);
    detail::store_u8(packed + 8 + i, (upper_scale & 15U) | (upper_minimum & 15U) << 4);
  }
}

void store_q4_k(const AffineBlock& made, std::byte* block) {
  detail::store_u16(block, fp32_to_fp16(made.scale));
  detail::store_u16(block + 2, fp32_to_fp16(made.minimum));
  store_k_scales(made, block + 4);
  for (int i = 0; i < 128; ++i) {
    const int first = i / 32 * 64 + i % 32;
    detail::store_u8(block + 16 + i, static_cast<std::uint32_t>(made.codes[first]) |
                                         static_cast<std::uint32_t>(made.codes[first + 32]) << 4);
  }
}

// Q6_K: sub-blocks of 16 values s * q, q in -32..31 ---------------------------------------------------------------

void symmetric_codes(const float* values, float step, float* codes) {
  const float inverse = detail::inverse_step(step);
  for (int i = 0; i < 16; ++i) {
    const float steps = values[i] * inverse;
    codes[i] = steps != steps ? 0.0F : round_inside(steps, -32.0F, 31.0F);
  }
}

float symmetric_error(const float* values, float step, const float* codes) {
  return sum_of<16>([&](int i) {
    const float difference = values[i] - step * codes[i];
    return difference * difference;
  });
}

float search_symmetric(const float* values) {
  const float extreme = extreme_of<16>(values);
  if (extreme == 0.0F) return 0.0F;
  float best = 0.0F, best_error = -1.0F;
  float codes[16] = {};
  for (int candidate = 0; candidate < 14; ++candidate) {
    const float at = 30.5F + 0.5F * static_cast<float>(candidate / 2);
    float step = extreme / (candidate % 2 == 0 ? -at : at);
    symmetric_codes(values, step, codes);
    const float squares = sum_of<16>([&](int i) { return codes[i] * codes[i]; });
    if (squares > 0.0F) step = sum_of<16>([&](int i) { return values[i] * codes[i]; }) / squares;
    symmetric_codes(values, step, codes);
    const float error = symmetric_error(values, step, codes);
    if (best_error >= 0.0F && !(error < best_error)) continue;
    best = step;
    best_error = error;
  }
  return best;
}

/// A block of Q6_K while it is made.
struct SymmetricBlock {
  float scale = 0.0F;  ///< d as stored
  float scales[16] = {};
  float codes[256] = {};

  float encode(const float* values, int sub_block) {
    const float step = scale * scales[sub_block];
    symmetric_codes(values + 16 * sub_block, step, codes + 16 * sub_block);
    return symmetric_error(values + 16 * sub_block, step, codes + 16 * sub_block);
  }

  float choose(const float* values, int sub_block, float wanted) {
    const float middle = round_inside(wanted * detail::inverse_step(scale), -128.0F, 127.0F);
    float best_error = -1.0F, best = middle;
    for (float s = std::max(-128.0F, middle - 1); s <= std::min(127.0F, middle + 1); ++s) {
      scales[sub_block] = s;
      const float error = encode(values, sub_block);
      if (best_error >= 0.0F && !(error < best_error)) continue;
      best_error = error;
      best = s;
    }
    scales[sub_block] = best;
    return encode(values, sub_block);
  }

  bool refit(const float* values) {
    double squares = 0, mixed = 0;
    for (int i = 0; i < 256; ++i) {
      const double s = static_cast<double>(scales[i / 16] * codes[i]);
      squares += s * s;
      mixed += static_cast<double>(values[i]) * s;
    }
    if (!(squares > 0)) return false;
    scale = stored(static_cast<float>(mixed / squares));
    return scale != 0.0F;
  }
};

void store_q6_k(const SymmetricBlock& made, std::byte* block) {
  const auto code = [&](int i) { return static_cast<std::uint32_t>(static_cast<int>(made.codes[i]) + 32); };
  for (int i = 0; i < 128; ++i) {
    const int first = i / 64 * 128 + i % 64;
    detail::store_u8(block + i, (code(first) & 15U) | (code(first + 64) & 15U) << 4);
  }
  for (int i = 0; i < 64; ++i) {
    const int first = i / 32 * 128 + i % 32;
    std::uint32_t upper = 0;
    for (int quarter = 0; quarter < 4; ++quarter) upper |= code(first + 32 * quarter) >> 4 << (2 * quarter);
    detail::store_u8(block + 128 + i, upper);
  }
  for (int i = 0; i < 16; ++i)
    detail::store_u8(block + 192 + i, static_cast<std::uint32_t>(static_cast<int>(made.scales[i])) & 255U);
  detail::store_u16(block + 208, fp32_to_fp16(made.scale));
}

/// Chooses scales for all sub-blocks, then d once more by least squares with scales chosen anew, as long as that pays.
template <class Block, class Wanted>
void improve(const float* values, Block& block, const Wanted* wanted, int sub_blocks) {
  const auto choose_all = [&](Block& made) {
    float error = 0.0F;
    for (int i = 0; i < sub_blocks; ++i) error += made.choose(values, i, wanted[i]);
    return error;
  };
  float error = choose_all(block);
  for (int round = 0; round < 2; ++round) {
    Block next = block;
    if (!next.refit(values)) return;
    const float next_error = choose_all(next);
    if (!(next_error < error)) return;
    block = next;
    error = next_error;
  }
}

}  // namespace

void encode_iq4_nl_block(const float* values, std::byte* block) {
  const float extreme = extreme_of<32>(values);
  LevelCodes best;
  nearest_levels(values, 0.0F, best.codes);
  best.error = -1.0F;
  // The extreme may meet the lowest or the highest level, or lie a little beyond it.
  for (int candidate = 0; candidate < 16 && extreme != 0.0F; ++candidate) {
    const float beyond = static_cast<float>(2 * (candidate / 2) - 5);
    const float level = candidate % 2 == 0 ? -127.0F - beyond : 113.0F + beyond;
    const LevelCodes fit = fit_levels(values, extreme / level);
    if (best.error < 0.0F || fit.error < best.error) best = fit;
  }
  detail::store_u16(block, fp32_to_fp16(best.step));
  detail::store_nibbles(best.codes, block + 2);
}

void encode_q4_k_block(const float* values, std::byte* block) {
  Affine wanted[8];
  float largest_step = 0.0F, largest_minimum = 0.0F;
  for (int i = 0; i < 8; ++i) {
    wanted[i] = search_affine(values + 32 * i);
    largest_step = std::max(largest_step, wanted[i].step);
    largest_minimum = std::max(largest_minimum, wanted[i].minimum);
  }
  AffineBlock made;
  made.scale = stored(largest_step / 63.0F);
  made.minimum = stored(largest_minimum / 63.0F);
  improve(values, made, wanted, 8);
  store_q4_k(made, block);
}

void encode_q6_k_block(const float* values, std::byte* block) {
  float wanted[16];
  for (int i = 0; i < 16; ++i) wanted[i] = search_symmetric(values + 16 * i);
  SymmetricBlock made;
  made.scale = stored(extreme_of<16>(wanted) / -128.0F);
  improve(values, made, wanted, 16);
  store_q6_k(made, block);
}

}  // namespace quantscope
