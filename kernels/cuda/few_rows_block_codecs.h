// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/few_rows_codecs.h"
#include "kernels/formats/affine.h"

/// Codecs of formats that checkpoints bring along, whose scales belong to 32 weights or more.
namespace quantscope::cuda {

/// What codecs have in common of which a lane takes 32 columns that follow each other.
template <int steps, int blocks>
struct ConsecutiveColumns {
  static constexpr int steps_ahead = steps;
  static constexpr int blocks_at_once = blocks;
  static constexpr bool has_tables = false;
  __device__ static int column(int piece, int lane) { return lane * 32 + piece * 8; }
};

/// Packs the eight values of a piece: `decode(half, values)` gives values 4 half to 4 half + 3.
template <class Compute, class Decode>
__device__ void pack_piece(std::uint32_t (&pairs)[4], const Decode& decode) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float values[4];
    decode(half, values);
    pairs[2 * half] = Compute::pack(values[0], values[1]);
    pairs[2 * half + 1] = Compute::pack(values[2], values[3]);
  }
}

__device__ inline void scale_four(float (&values)[4], float factor) {
#pragma unroll
  for (float& value : values) value *= factor;
}

/// 4-bit codes in groups of a multiple of 32 columns, in their order (GPTQ, AWQ).
struct Affine4Codec : ConsecutiveColumns<2, 2> {
  struct Raw {
    uint4 codes;
    std::uint32_t scale;  // bits of the scale, and of the zero point or the byte that holds its code
    std::uint32_t zero;
    int zero_shift;
  };
  struct Factor {
    float scale, zero;
  };
  __device__ static Raw load(const WeightView& weight, const WeightRow& row, int k, int columns, int lane, int) {
    const int at = k + lane * 32;
    const bool inside = at < columns;
    const int group = (inside ? at : 0) / static_cast<int>(weight.scale_columns);
    const std::int64_t index = row.row * weight.scales_per_row + group;
    Raw raw;
    raw.codes = load_codes(row.codes + at / 2, inside);
    raw.scale = stored_bits(weight.scales, weight.scale_type, index);
    raw.zero = 0;
    raw.zero_shift = group % 2 * 4;
    if (weight.zero_point == ZeroPoint::floating) raw.zero = stored_bits(weight.zeros, weight.scale_type, index);
    if (weight.zero_point == ZeroPoint::integer) {
      raw.zero = static_cast<const std::uint8_t*>(weight.zeros)[row.row * weight.zero_row_bytes + group / 2];
    }
    return raw;
  }
  __device__ static Factor factor(const WeightView& weight, const Raw& raw, const PackedTables*) {
    Factor factor = {float_of(weight.scale_type, raw.scale), static_cast<float>(symmetric_zero(4))};
    if (weight.zero_point == ZeroPoint::floating) factor.zero = float_of(weight.scale_type, raw.zero);
    if (weight.zero_point == ZeroPoint::integer) factor.zero = static_cast<float>(raw.zero >> raw.zero_shift & 15U);
    return factor;
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, const Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const std::uint32_t word = word_of(raw.codes, piece);
    float even[4];
    float odd[4];
    bytes_to_floats(word & 0x0F0F0F0FU, 0.0F, even);
    bytes_to_floats(word >> 4 & 0x0F0F0F0FU, 0.0F, odd);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      pairs[i] = Compute::pack((even[i] - factor.zero) * factor.scale, (odd[i] - factor.zero) * factor.scale);
    }
  }

 private:
  __device__ static std::uint32_t stored_bits(const void* values, ScaleType type, std::int64_t index) {
    if (type == ScaleType::float32) return static_cast<const std::uint32_t*>(values)[index];
    return static_cast<const std::uint16_t*>(values)[index];
  }
  __device__ static float float_of(ScaleType type, std::uint32_t bits) {
    if (type == ScaleType::float32) return float_from_bits(bits);
    const auto half = static_cast<std::uint16_t>(bits);
    return type == ScaleType::float16 ? fp16_to_fp32(half) : bf16_to_fp32(half);
  }
};

/// A GGUF block of an fp16 scale and `words` words of codes. It begins at a multiple of 2 bytes: what is aligned to
/// words is loaded as such, and the two bytes that are left are the scale, or the last of the codes.
template <int words>
struct HalfAlignedBlock {
  std::uint32_t whole[words];
  std::uint32_t rest;
  bool rest_is_scale;

  __device__ static HalfAlignedBlock load(const unsigned char* block, bool inside) {
    HalfAlignedBlock loaded{};
    loaded.rest_is_scale = (reinterpret_cast<std::uintptr_t>(block) & 2U) != 0;
    if (!inside) return loaded;
    const auto* const at = reinterpret_cast<const std::uint32_t*>(block + (loaded.rest_is_scale ? 2 : 0));
#pragma unroll
    for (int i = 0; i < words; ++i) loaded.whole[i] = __ldg(at + i);
    loaded.rest = __ldg(reinterpret_cast<const std::uint16_t*>(block + (loaded.rest_is_scale ? 0 : 4 * words)));
    return loaded;
  }
  __device__ float scale() const {
    return fp16_to_fp32(static_cast<std::uint16_t>(rest_is_scale ? rest : whole[0] & 0xFFFFU));
  }
  __device__ std::uint32_t codes(int word) const {
    const std::uint32_t next = word + 1 < words ? whole[word + 1 < words ? word + 1 : 0] : rest;
    return rest_is_scale ? whole[word] : __funnelshift_r(whole[word], next, 16);
  }
};

/// Blocks of 32 codes in `words` words, which one factor scales.
template <int words, int steps>
struct ScaledBlocks : ConsecutiveColumns<steps, 2> {
  using Raw = HalfAlignedBlock<words>;
  static constexpr int block_bytes = 4 * words + 2;
  __device__ static Raw load(const WeightView&, const WeightRow& row, int k, int columns, int lane, int) {
    const int at = k + lane * 32;
    return Raw::load(row.codes + at / 32 * block_bytes, at < columns);
  }
  __device__ static float factor(const WeightView&, const Raw& raw, const PackedTables*) { return raw.scale(); }
};

struct Q80Codec : ScaledBlocks<8, 1> {
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, float factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      signed_bytes_to_floats(raw.codes(2 * piece + half), values);
      scale_four(values, factor);
    });
  }
};

struct Q40Codec : ScaledBlocks<4, 2> {
  /// The first two pieces are the low nibbles.
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, float factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      bytes_to_floats(raw.codes(piece % 2 * 2 + half) >> (piece / 2 * 4) & 0x0F0F0F0FU, 8.0F, values);
      scale_four(values, factor);
    });
  }
};

}  // namespace quantscope::cuda
