// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/few_rows_block_codecs.h"
#include "kernels/formats/ggml_k_blocks.h"

/// Codecs of the k-quants of GGUF files. A lane's 32 weights are a part of a block as in
/// kernels/formats/ggml_k_blocks.h.
namespace quantscope::cuda {

/// What Q4_K and Q5_K have in common: a block begins with an fp16 scale and minimum and twelve bytes of packed scales;
/// `Codes` is the rest.
template <class Codes>
struct StepsAndMinima : ConsecutiveColumns, CodesAlone {
  static constexpr int quads = 1 + Codes::quads;
  static constexpr int words = 0;
  struct Factor {
    float step, least;
  };
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
    const int at = place.k + place.lane * 32;
    const bool inside = at < place.columns;
    const unsigned char* const block = row.codes + at / 256 * Codes::block_bytes;
    stage.copy_quad(0, block, inside);
    Codes::fetch(stage, block + 16, sub_block(at), inside);
    return 0;
  }
  __device__ static Factor factor(const WeightView&, const StagedRow& row, const PackedTables*) {
    const uint4 header = row.stage.quad(0);
    const int part = sub_block(row.column);
    const auto byte = [&](std::uint32_t word) { return word >> (8 * (part % 4)) & 255U; };
    const ScaleAndMinimum packed =
        join_k_scale(byte(header.y), byte(header.z), byte(part < 4 ? header.z : header.w), part);
    return {fp16_to_fp32(static_cast<std::uint16_t>(header.x)) * static_cast<float>(packed.scale),
            fp16_to_fp32(static_cast<std::uint16_t>(header.x >> 16)) * static_cast<float>(packed.minimum)};
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, const Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      bytes_to_floats(Codes::four(row.stage, piece, half, sub_block(row.column)), 0.0F, values);
#pragma unroll
      for (float& value : values) value = multiply_then_add(factor.step, value, -factor.least);
    });
  }

 private:
  __device__ static int sub_block(int column) { return column / 32 % 8; }
};

/// `codes` begin after the header; those of two sub-blocks share 32 bytes.
struct Q4KCodes {
  static constexpr int block_bytes = 144;
  static constexpr int quads = 2;

  __device__ static void fetch(const LaneStage& stage, const unsigned char* codes, int sub_block, bool inside) {
    const unsigned char* const at = codes + sub_block / 2 * 32;
    stage.copy_quad(1, at, inside);
    stage.copy_quad(2, at + 16, inside);
  }
  /// Codes 4 half to 4 half + 3 of a piece, a byte each.
  __device__ static std::uint32_t four(const LaneStage& stage, int piece, int half, int sub_block) {
    return word_of(stage.quad(1 + piece / 2), piece % 2 * 2 + half) >> (sub_block % 2 * 4) & 0x0F0F0F0FU;
  }
};

/// Before the codes of Q4_K lie 32 bytes with the fifth bits of all sub-blocks.
struct Q5KCodes {
  static constexpr int block_bytes = 176;
  static constexpr int quads = 4;

  __device__ static void fetch(const LaneStage& stage, const unsigned char* codes, int sub_block, bool inside) {
    Q4KCodes::fetch(stage, codes + 32, sub_block, inside);
    stage.copy_quad(3, codes, inside);
    stage.copy_quad(4, codes + 16, inside);
  }
  __device__ static std::uint32_t four(const LaneStage& stage, int piece, int half, int sub_block) {
    const std::uint32_t fifth = word_of(stage.quad(3 + piece / 2), piece % 2 * 2 + half);
    return Q4KCodes::four(stage, piece, half, sub_block) | (fifth >> sub_block & 0x01010101U) << 4;
  }
};

struct Q4KCodec : StepsAndMinima<Q4KCodes> {};
struct Q5KCodec : StepsAndMinima<Q5KCodes> {
  static constexpr int own_columns = most_own_columns / 2;
};

/// Blocks of 210 bytes: low nibbles, high pairs of bits, sixteen signed scales and an fp16 scale.
struct Q6KCodec : ConsecutiveColumns, CodesAlone {
  static constexpr int own_columns = most_own_columns / 2;
  static constexpr int quads = 0;
  static constexpr int words = 20;
  struct Factor {
    float steps[2];  // of 16 weights each
  };
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
    const int at = min(place.k + place.lane * 32, place.columns - 1);  // as ScaledBlocks does
    const unsigned char* const block = row.codes + at / 256 * 210;
    const int part = at / 32 % 8;
    HalfAligned::fetch<8, false>(stage, low_word, block + part / 4 * 64 + part % 2 * 32);
    HalfAligned::fetch<8, false>(stage, high_word, block + 128 + part / 4 * 32);
    const bool early = HalfAligned::begins_early(block);
    stage.copy_word_around(scales_word, block + 192 + 2 * part);
    stage.copy_word(block_word, block + (early ? 206 : 208));
    return early ? 1 : 0;
  }
  __device__ static Factor factor(const WeightView&, const StagedRow& row, const PackedTables*) {
    const auto early = static_cast<int>(row.note);
    const std::uint32_t scales = row.stage.word(scales_word) >> ((row.column / 32 + early) % 2 * 16);
    const float scale = fp16_to_fp32(static_cast<std::uint16_t>(row.stage.word(block_word) >> (16 * early)));
    return {{scale * static_cast<float>(static_cast<std::int8_t>(scales)),
             scale * static_cast<float>(static_cast<std::int8_t>(scales >> 8))}};
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, const Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const int quarter = row.column / 32 % 4;
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      const int word = 2 * piece + half;
      bytes_to_floats((HalfAligned::word(row, low_word, word) >> (quarter / 2 * 4) & 0x0F0F0F0FU) |
                          (HalfAligned::word(row, high_word, word) >> (quarter * 2) & 0x03030303U) << 4,
                      32.0F, values);
      scale_four(values, factor.steps[piece / 2]);
    });
  }

 private:
  static constexpr int low_word = 0;   // of two parts
  static constexpr int high_word = 9;  // of four parts
  static constexpr int scales_word = 18;
  static constexpr int block_word = 19;
};

}  // namespace quantscope::cuda
