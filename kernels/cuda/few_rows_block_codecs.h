// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/few_rows_codecs.h"
#include "kernels/formats/affine.h"

/// Codecs of formats that checkpoints bring along, whose scales belong to 32 weights or more.
namespace quantscope::cuda {

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
struct Affine4Codec : ConsecutiveColumns {
  static constexpr int quads = 1;
  static constexpr int words = 2;  // that the scale lies in, and the zero point or the byte with its code
  struct Factor {
    float scale, zero;
  };
  struct Row {
    const unsigned char* codes;
    const unsigned char* scales;
    const unsigned char* zeros;
    int scale_bytes;
    int group_columns;
    ZeroPoint zero_point;
  };
  __device__ static Row begin_row(const WeightView& weight, const RowPlace& place) {
    const int size = weight.scale_type == ScaleType::float32 ? 4 : 2;
    const std::int64_t first = place.row * weight.scales_per_row * size;
    const auto* const zeros = static_cast<const unsigned char*>(weight.zeros);
    const bool whole = weight.zero_point == ZeroPoint::floating;
    return {codes_of(weight, place),
            static_cast<const unsigned char*>(weight.scales) + first,
            zeros + (whole ? first : place.row * weight.zero_row_bytes),
            size,
            static_cast<int>(weight.scale_columns),
            weight.zero_point};
  }
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
    const int at = place.k + place.lane * 32;
    const bool inside = at < place.columns;
    const int group = (inside ? at : 0) / row.group_columns;
    stage.copy_quad(0, row.codes + at / 2, inside);
    std::uint32_t note = stage.copy_word_around(0, row.scales + row.scale_bytes * group);  // 0 or 2
    if (row.zero_point == ZeroPoint::floating) stage.copy_word_around(1, row.zeros + row.scale_bytes * group);
    if (row.zero_point == ZeroPoint::integer) {
      note |= static_cast<std::uint32_t>(group % 2) | stage.copy_word_around(1, row.zeros + group / 2) << 2;
    }
    return note;
  }
  __device__ static Factor factor(const WeightView& weight, const StagedRow& row, const PackedTables*) {
    const bool second = (row.note & half_of_word) != 0;
    Factor factor = {float_of(weight.scale_type, row.stage.word(0), second), static_cast<float>(symmetric_zero(4))};
    if (weight.zero_point == ZeroPoint::floating) {
      factor.zero = float_of(weight.scale_type, row.stage.word(1), second);
    } else if (weight.zero_point == ZeroPoint::integer) {
      factor.zero = static_cast<float>(row.stage.word(1) >> (8 * (row.note >> 2) + 4 * (row.note & 1U)) & 15U);
    }
    return factor;
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, const Factor& factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const std::uint32_t word = word_of(row.stage.quad(0), piece);
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
  static constexpr int half_of_word = 2;  ///< in a note: a 16-bit scale is the second of its word
  __device__ static float float_of(ScaleType type, std::uint32_t word, bool second) {
    if (type == ScaleType::float32) return float_from_bits(word);
    const auto half = static_cast<std::uint16_t>(second ? word >> 16 : word);
    return type == ScaleType::float16 ? fp16_to_fp32(half) : bf16_to_fp32(half);
  }
};

/// Bytes of a GGUF block, which begins at a multiple of 2: the aligned words that they lie in are copied. Whether the
/// first of them begins two bytes earlier is kept in a note.
struct HalfAligned {
  __device__ static bool begins_early(const unsigned char* bytes) {
    return (reinterpret_cast<std::uintptr_t>(bytes) & 2U) != 0;
  }
  /// Copies 4 `whole` bytes to words from `first` on, and the two that follow where there are such.
  template <int whole, bool two_more>
  __device__ static void fetch(const LaneStage& stage, int first, const unsigned char* bytes) {
    const bool early = begins_early(bytes);
    const unsigned char* const begin = bytes - (early ? 2 : 0);
#pragma unroll
    for (int i = 0; i < whole; ++i) stage.copy_word(first + i, begin + 4 * i);
    if (two_more || early) stage.copy_word(first + whole, begin + 4 * whole);
  }
  /// Bytes 4 index to 4 index + 3.
  __device__ static std::uint32_t word(const StagedRow& row, int first, int index) {
    const std::uint32_t low = row.stage.word(first + index);
    return row.note == 0 ? low : __funnelshift_r(low, row.stage.word(first + index + 1), 16);
  }
};

/// Blocks of 32 codes in `code_words` words after an fp16 scale.
template <int code_words>
struct ScaledBlocks : ConsecutiveColumns, CodesAlone {
  static constexpr int quads = 0;
  static constexpr int words = code_words + 1;
  static constexpr int block_bytes = 4 * code_words + 2;
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
    const int at = place.k + place.lane * 32;
    // Beyond the last column the block before is decoded once more, and multiplied by activations that are zero.
    const unsigned char* const block = row.codes + min(at, place.columns - 1) / 32 * block_bytes;
    HalfAligned::fetch<code_words, true>(stage, 0, block);
    return HalfAligned::begins_early(block) ? 1 : 0;
  }
  __device__ static float factor(const WeightView&, const StagedRow& row, const PackedTables*) {
    return fp16_to_fp32(static_cast<std::uint16_t>(row.stage.word(0) >> (row.note == 0 ? 0 : 16)));
  }
  /// Four bytes of codes, which begin two bytes after the scale.
  __device__ static std::uint32_t codes(const StagedRow& row, int word) {
    const std::uint32_t next = row.stage.word(word + 1);
    return row.note != 0 ? next : __funnelshift_r(row.stage.word(word), next, 16);
  }
};

struct Q80Codec : ScaledBlocks<8> {
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      signed_bytes_to_floats(codes(row, 2 * piece + half), values);
      scale_four(values, factor);
    });
  }
};

struct Q40Codec : ScaledBlocks<4> {
  /// The first two pieces are the low nibbles.
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float factor, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    pack_piece<Compute>(pairs, [&](int half, float(&values)[4]) {
      bytes_to_floats(codes(row, piece % 2 * 2 + half) >> (piece / 2 * 4) & 0x0F0F0F0FU, 8.0F, values);
      scale_four(values, factor);
    });
  }
};

}  // namespace quantscope::cuda
