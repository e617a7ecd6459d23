// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/compute_type.h"
#include "kernels/cuda/weight_stages.h"
#include "kernels/cuda/weight_view.h"

/// How few_rows_kernel.h reads and decodes weights, one codec per way of storing them. In a step four lanes take
/// consecutive weights of a row, eight per piece; fetch() copies a lane's weights to a stage, decode() gives a piece as
/// pairs of the compute type. The decoded weight is that of kernels/formats, rounded once.
namespace quantscope::cuda {

/// Columns of a step.
template <class Codec>
inline constexpr int step_columns = 32 * Codec::pieces;

/// Which row of a launch's weights.
struct RowPlace {
  int row = 0;
  int part = 0;                ///< which of the weights
  std::int64_t row_bytes = 0;  ///< of codes
  int block_shift = 0;         ///< log2 of values per scale, packed 4-bit codes only
};

/// What a codec keeps of a row while it fetches from it: for most, where its codes begin.
struct CodeRow {
  const unsigned char* codes = nullptr;
};

__device__ inline const unsigned char* codes_of(const WeightView& weight, const RowPlace& place) {
  return static_cast<const unsigned char*>(weight.codes) + place.row * place.row_bytes;
}

struct CodesAlone {
  using Row = CodeRow;
  __device__ static Row begin_row(const WeightView& weight, const RowPlace& place) { return {codes_of(weight, place)}; }
};

/// Where a lane fetches: its step begins at column `k` of `columns`.
struct FetchPlace {
  int k = 0;
  int columns = 0;
  int lane = 0;  ///< 0..3
};

/// Tables in shared memory that packed 4-bit codes are decoded with.
struct PackedTables {
  // A pair of levels for each byte, sixteen times side by side: each lane of a half-warp reads from banks of its own.
  float2 pairs[256 * 16];
  float dynamic_levels[256];
  float levels[16];
  float nested_offsets[4];  ///< of the launch's weights
};

/// Columns of a row that a kernel prepares itself, unless its codec has less room for them.
inline constexpr int most_own_columns = 8192;

/// What codecs have in common of which a lane takes 32 columns that follow each other.
struct ConsecutiveColumns {
  static constexpr int own_columns = most_own_columns;
  static constexpr int pieces = 4;
  static constexpr bool has_tables = false;
  __device__ static int column(int piece, int lane) { return lane * 32 + piece * 8; }
};

/// What dense codecs have in common: a piece is 32 columns side by side, so that a row is read in long stretches.
struct DenseColumns : CodesAlone {
  static constexpr int own_columns = most_own_columns;
  static constexpr int pieces = 2;
  static constexpr int words = 0;
  static constexpr bool has_tables = false;
  __device__ static int column(int piece, int lane) { return piece * 32 + lane * 8; }
  __device__ static float factor(const WeightView&, const StagedRow&, const PackedTables*) { return 1.0F; }
};

/// FP16 or BF16.
template <CodeType stored>
struct Dense16Codec : DenseColumns {
  static constexpr int quads = 2;
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
#pragma unroll
    for (int piece = 0; piece < pieces; ++piece) {
      const int at = place.k + column(piece, place.lane);
      stage.copy_quad(piece, row.codes + 2 * at, at < place.columns);
    }
    return 0;
  }
  template <class Compute>
  __device__ static std::uint32_t convert(std::uint32_t pair) {
    if constexpr (Compute::code_type == stored) {
      return pair;
    } else if constexpr (stored == CodeType::float16) {
      return Compute::pack(fp16_to_fp32(static_cast<std::uint16_t>(pair)),
                           fp16_to_fp32(static_cast<std::uint16_t>(pair >> 16)));
    } else {
      return Compute::pack(float_from_bits(pair << 16), float_from_bits(pair & 0xFFFF0000U));
    }
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const uint4 stored_pairs = row.stage.quad(piece);
    pairs[0] = convert<Compute>(stored_pairs.x);
    pairs[1] = convert<Compute>(stored_pairs.y);
    pairs[2] = convert<Compute>(stored_pairs.z);
    pairs[3] = convert<Compute>(stored_pairs.w);
  }
};

struct Dense32Codec : DenseColumns {
  static constexpr int quads = 4;
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
#pragma unroll
    for (int piece = 0; piece < pieces; ++piece) {
      const int at = place.k + column(piece, place.lane);
      stage.copy_quad(2 * piece, row.codes + 4 * at, at < place.columns);
      stage.copy_quad(2 * piece + 1, row.codes + 4 * at + 16, at < place.columns);
    }
    return 0;
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const uint4 a = row.stage.quad(2 * piece);
    const uint4 b = row.stage.quad(2 * piece + 1);
    pairs[0] = Compute::pack(float_from_bits(a.x), float_from_bits(a.y));
    pairs[1] = Compute::pack(float_from_bits(a.z), float_from_bits(a.w));
    pairs[2] = Compute::pack(float_from_bits(b.x), float_from_bits(b.y));
    pairs[3] = Compute::pack(float_from_bits(b.z), float_from_bits(b.w));
  }
};

/// The four bytes of a word minus a small integer, exactly: each becomes the last byte of a mantissa of 2^23 + byte.
__device__ inline void bytes_to_floats(std::uint32_t word, float subtracted, float (&values)[4]) {
  const float bias = 8388608.0F + subtracted;
  values[0] = float_from_bits(__byte_perm(word, 0x4B000000U, 0x7440)) - bias;
  values[1] = float_from_bits(__byte_perm(word, 0x4B000000U, 0x7441)) - bias;
  values[2] = float_from_bits(__byte_perm(word, 0x4B000000U, 0x7442)) - bias;
  values[3] = float_from_bits(__byte_perm(word, 0x4B000000U, 0x7443)) - bias;
}

/// The four signed bytes of a word, exactly.
__device__ inline void signed_bytes_to_floats(std::uint32_t word, float (&values)[4]) {
  bytes_to_floats(word ^ 0x80808080U, 128.0F, values);
}

/// Word `index` of four; spelled out, so that it stays in a register.
__device__ inline std::uint32_t word_of(const uint4& words, int index) {
  return index == 0 ? words.x : index == 1 ? words.y : index == 2 ? words.z : words.w;
}

/// INT8 rows, decoded (not LLM.int8()).
struct Int8Codec {
  static constexpr int own_columns = most_own_columns;
  static constexpr int pieces = 4;
  static constexpr int quads = 2;
  static constexpr int words = 1;
  static constexpr bool has_tables = false;
  __device__ static int column(int piece, int lane) { return piece / 2 * 64 + lane * 16 + piece % 2 * 8; }
  struct Row {
    const unsigned char* codes;
    const float* absmax;
  };
  __device__ static Row begin_row(const WeightView& weight, const RowPlace& place) {
    return {codes_of(weight, place), static_cast<const float*>(weight.scales) + place.row};
  }
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = place.k + half * 64 + place.lane * 16;
      stage.copy_quad(half, row.codes + at, at < place.columns);
    }
    stage.copy_word(0, row.absmax);
    return 0;
  }
  __device__ static float factor(const WeightView&, const StagedRow& row, const PackedTables*) {
    return float_from_bits(row.stage.word(0));
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float absmax, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const uint4 half = row.stage.quad(piece / 2);
    float low[4];
    float high[4];
    signed_bytes_to_floats(piece % 2 == 0 ? half.x : half.z, low);
    signed_bytes_to_floats(piece % 2 == 0 ? half.y : half.w, high);
    float codes[8] = {low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]};
    if (is_ordinary_int8(absmax)) {
#pragma unroll
      for (int pair = 0; pair < 4; ++pair) {
        pairs[pair] = Compute::pack(decode_ordinary_int8(codes[2 * pair], absmax),
                                    decode_ordinary_int8(codes[2 * pair + 1], absmax));
      }
      return;
    }
    // Rare, so small rather than fast: values pass through the same registers one pair after the other.
#pragma unroll 1
    for (int pair = 0; pair < 4; ++pair) {
      const std::uint32_t decoded = Compute::pack(codes[0] * absmax / 127.0F, codes[1] * absmax / 127.0F);
#pragma unroll
      for (int i = 0; i + 2 < 8; ++i) codes[i] = codes[i + 2];
#pragma unroll
      for (int i = 0; i + 1 < 4; ++i) pairs[i] = pairs[i + 1];
      pairs[3] = decoded;
    }
  }
};

/// NF4, FP4 and INT4 in flat blocks of a power of two of at least 32 values, plain or double quantized.
struct Packed4Codec : ConsecutiveColumns {
  static constexpr int quads = 1;
  static constexpr int words = 2;  // the absmax, or the word with its code, and the absmax of the second level
  static constexpr bool has_tables = true;
  struct Row {
    const unsigned char* codes;
    const unsigned char* scales;  // of the block that the row begins in
    const float* nested;          // of that block; null unless nested
    int before;                   // values of that block before the row
    int blocks_before;            // blocks with the same nested absmax before that one
    int block_shift;
    int part;
  };
  __device__ static Row begin_row(const WeightView& weight, const RowPlace& place) {
    const std::int64_t first = place.row * weight.columns;
    const std::int64_t block = first >> place.block_shift;
    const bool is_nested = weight.nested_absmax != nullptr;
    return {codes_of(weight, place),
            static_cast<const unsigned char*>(weight.scales) + (is_nested ? block : 4 * block),
            is_nested ? weight.nested_absmax + block / nested_block_size : nullptr,
            static_cast<int>(first & ((std::int64_t{1} << place.block_shift) - 1)),
            static_cast<int>(block % nested_block_size),
            place.block_shift,
            place.part};
  }
  __device__ static std::uint32_t fetch(const Row& row, const FetchPlace& place, const LaneStage& stage) {
    const int at = place.k + place.lane * 32;
    const bool inside = at < place.columns;
    const int block = (row.before + (inside ? at : 0)) >> row.block_shift;
    stage.copy_quad(0, row.codes + at / 2, inside);
    if (row.nested == nullptr) {
      stage.copy_word(0, row.scales + 4 * block);
      return 0;
    }
    stage.copy_word(1, row.nested + (row.blocks_before + block) / nested_block_size);
    return stage.copy_word_around(0, row.scales + block) | static_cast<std::uint32_t>(row.part) << 2;
  }
  __device__ static float factor(const WeightView& weight, const StagedRow& row, const PackedTables* tables) {
    std::uint32_t bits = row.stage.word(0);
    if (weight.nested_absmax == nullptr) return block_scale(weight.levels, float_from_bits(bits));
    bits = bits >> (8 * (row.note & 3U)) & 255U;
    return block_scale(weight.levels,
                       decode_nested_absmax(tables->dynamic_levels[bits], float_from_bits(row.stage.word(1)),
                                            tables->nested_offsets[row.note >> 2]));
  }
  template <class Compute>
  __device__ static void decode(const StagedRow& row, int piece, float factor, const PackedTables* tables,
                                std::uint32_t (&pairs)[4]) {
    const std::uint32_t word = word_of(row.stage.quad(0), piece);
    // Addresses of pairs are put together from bits: a byte's copies lie 128 bytes after those of the byte before.
    static_assert(sizeof(tables->pairs) == 256 * 128);
    const auto* const pairs_of_levels = reinterpret_cast<const unsigned char*>(tables->pairs);
    const std::uint32_t copy = threadIdx.x % 16 * static_cast<unsigned>(sizeof(float2));
    const std::uint32_t offsets[4] = {(word << 7 & 0x7F80U) | copy, (word >> 1 & 0x7F80U) | copy,
                                      (word >> 9 & 0x7F80U) | copy, (word >> 17 & 0x7F80U) | copy};
#pragma unroll
    for (int byte = 0; byte < 4; ++byte) {
      const float2 two = *reinterpret_cast<const float2*>(pairs_of_levels + offsets[byte]);
      pairs[byte] = Compute::pack(two.x * factor, two.y * factor);
    }
  }
};

}  // namespace quantscope::cuda
