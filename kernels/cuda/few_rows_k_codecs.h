// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/few_rows_block_codecs.h"
#include "kernels/formats/ggml_k_blocks.h"

/// Codecs of the k-quants of GGUF files. A lane's 32 weights are a part of a block as in
/// kernels/formats/ggml_k_blocks.h.
namespace quantscope::cuda {

/// The scale and minimum of a sub-block of Q4_K or Q5_K as they are stored, and which sub-block it is.
struct KScales {
  std::uint32_t block;                // fp16 scale, then minimum
  std::uint32_t first, second, both;  // as in unpack_k_scale()
  int sub_block;

  struct Factor {
    float step, least;
  };
  __device__ static KScales load(const unsigned char* block, int sub_block) {
    return {*reinterpret_cast<const std::uint32_t*>(block), block[4 + sub_block % 4], block[8 + sub_block % 4],
            block[8 + sub_block], sub_block};
  }
  __device__ Factor factor() const {
    const ScaleAndMinimum packed = join_k_scale(first, second, both, sub_block);
    return {fp16_to_fp32(static_cast<std::uint16_t>(block)) * static_cast<float>(packed.scale),
            fp16_to_fp32(static_cast<std::uint16_t>(block >> 16)) * static_cast<float>(packed.minimum)};
  }
};

/// What Q4_K and Q5_K have in common; `RawCodes` is what a lane loads besides scales.
template <class RawCodes, int blocks>
struct StepsAndMinima : ConsecutiveColumns<1, blocks> {
  struct Raw {
    RawCodes codes;
    KScales scales;
  };
  __device__ static Raw load(const WeightView&, const WeightRow& row, int k, int columns, int lane, int) {
    const int at = k + lane * 32;
    const int sub_block = at / 32 % 8;
    Raw raw{};
    if (at >= columns) return raw;
    const unsigned char* const block = row.codes + at / 256 * RawCodes::block_bytes;
    raw.codes = RawCodes::load(block, sub_block);
    raw.scales = KScales::load(block, sub_block);
    return raw;
  }
  __device__ static KScales::Factor factor(const WeightView&, const Raw& raw, const PackedTables*) {
    return raw.scales.factor();
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, const KScales::Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      bytes_to_floats(raw.codes.four(piece, half, raw.scales.sub_block), 0.0F, values);
#pragma unroll
      for (float& value : values) value = multiply_then_add(factor.step, value, -factor.least);
    });
  }
};

struct Q4KCodes {
  static constexpr int block_bytes = 144;
  uint4 low[2];  // of two sub-blocks

  __device__ static Q4KCodes load(const unsigned char* block, int sub_block) {
    const unsigned char* const at = block + 16 + sub_block / 2 * 32;
    return {{ptx::load_streaming(at), ptx::load_streaming(at + 16)}};
  }
  /// Codes 4 half to 4 half + 3 of a piece, a byte each.
  __device__ std::uint32_t four(int piece, int half, int sub_block) const {
    return word_of(low[piece / 2], piece % 2 * 2 + half) >> (sub_block % 2 * 4) & 0x0F0F0F0FU;
  }
};

struct Q5KCodes {
  static constexpr int block_bytes = 176;
  uint4 low[2];    // of two sub-blocks
  uint4 fifth[2];  // of all sub-blocks

  __device__ static Q5KCodes load(const unsigned char* block, int sub_block) {
    Q5KCodes codes;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      codes.fifth[half] = ptx::load_streaming(block + 16 + 16 * half);
      codes.low[half] = ptx::load_streaming(block + 48 + 16 * half + sub_block / 2 * 32);
    }
    return codes;
  }
  __device__ std::uint32_t four(int piece, int half, int sub_block) const {
    const int word = piece % 2 * 2 + half;
    return (word_of(low[piece / 2], word) >> (sub_block % 2 * 4) & 0x0F0F0F0FU) |
           (word_of(fifth[piece / 2], word) >> sub_block & 0x01010101U) << 4;
  }
};

struct Q4KCodec : StepsAndMinima<Q4KCodes, 2> {};
struct Q5KCodec : StepsAndMinima<Q5KCodes, 1> {};

/// 32 bytes that begin at a multiple of 2 and of whose surroundings the two bytes before and after may be read.
struct HalfAlignedBytes {
  std::uint32_t words[9];  // aligned to words, from the first or from two bytes before it
  int shift;               // bits before the first byte

  __device__ static HalfAlignedBytes load(const unsigned char* bytes) {
    HalfAlignedBytes loaded{};
    const auto before = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(bytes) & 2U);
    const auto* const at = reinterpret_cast<const std::uint32_t*>(bytes - before);
#pragma unroll
    for (int i = 0; i < 8; ++i) loaded.words[i] = __ldg(at + i);
    if (before != 0) loaded.words[8] = __ldg(at + 8);
    loaded.shift = static_cast<int>(8 * before);
    return loaded;
  }
  __device__ std::uint32_t word(int index) const {
    return __funnelshift_r(words[index], words[index + 1], static_cast<unsigned>(shift));
  }
};

struct Q6KCodec : ConsecutiveColumns<1, 1> {
  struct Raw {
    HalfAlignedBytes low, high;  // of two parts, of four parts
    std::uint32_t block_scale;   // fp16
    std::uint32_t scales;        // two signed bytes
    int part;
  };
  struct Factor {
    float steps[2];  // of 16 weights each
  };
  __device__ static Raw load(const WeightView&, const WeightRow& row, int k, int columns, int lane, int) {
    const int at = k + lane * 32;
    Raw raw{};
    if (at >= columns) return raw;
    const unsigned char* const block = row.codes + at / 256 * 210;
    raw.part = at / 32 % 8;
    raw.low = HalfAlignedBytes::load(block + raw.part / 4 * 64 + raw.part % 2 * 32);
    raw.high = HalfAlignedBytes::load(block + 128 + raw.part / 4 * 32);
    raw.scales = __ldg(reinterpret_cast<const std::uint16_t*>(block + 192 + 2 * raw.part));
    raw.block_scale = __ldg(reinterpret_cast<const std::uint16_t*>(block + 208));
    return raw;
  }
  __device__ static Factor factor(const WeightView&, const Raw& raw, const PackedTables*) {
    const float scale = fp16_to_fp32(static_cast<std::uint16_t>(raw.block_scale));
    return {{scale * static_cast<float>(static_cast<std::int8_t>(raw.scales)),
             scale * static_cast<float>(static_cast<std::int8_t>(raw.scales >> 8))}};
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, const Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const int quarter = raw.part % 4;
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      const int word = 2 * piece + half;
      bytes_to_floats((raw.low.word(word) >> (quarter / 2 * 4) & 0x0F0F0F0FU) |
                          (raw.high.word(word) >> (quarter * 2) & 0x03030303U) << 4,
                      32.0F, values);
      scale_four(values, factor.steps[piece / 2]);
    });
  }
};

}  // namespace quantscope::cuda
