// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "kernels/cuda/compute_type.h"
#include "kernels/cuda/weight_view.h"

/// How few_rows_kernel.h reads and decodes weights, one codec per way of storing them. In a step four lanes load 128
/// consecutive weights of a row, 32 each, 16 bytes at a time where they are aligned; a lane's weights are decoded in
/// four pieces of eight, as pairs of the compute type. The decoded weight is that of kernels/formats, rounded once.
namespace quantscope::cuda {

inline constexpr int step_columns = 128;
inline constexpr int pieces_per_step = 4;

/// One row of a launch's weights.
struct WeightRow {
  const unsigned char* codes = nullptr;
  int row = 0;
  int part = 0;  ///< which of the launch's weights
};

/// Tables in shared memory that packed 4-bit codes are decoded with.
struct PackedTables {
  // A pair of levels for each byte, sixteen times side by side: each lane of a half-warp reads from banks of its own.
  float2 pairs[256 * 16];
  float dynamic_levels[256];
  float levels[16];
};

/// Zeros beyond the last column, which then add nothing to a sum.
__device__ inline uint4 load_codes(const unsigned char* at, bool inside) {
  return inside ? ptx::load_streaming(at) : uint4{0, 0, 0, 0};
}

/// FP16 or BF16.
template <CodeType stored>
struct Dense16Codec {
  static constexpr int steps_ahead = 1;
  static constexpr int blocks_at_once = 2;  ///< per multiprocessor, with the registers that leaves each thread
  static constexpr bool has_tables = false;
  struct Raw {
    uint4 pieces[pieces_per_step];
  };
  __device__ static int column(int piece, int lane) { return piece * 32 + lane * 8; }
  __device__ static Raw load(const WeightView&, const WeightRow& row, int k, int columns, int lane, int) {
    Raw raw;
#pragma unroll
    for (int piece = 0; piece < pieces_per_step; ++piece) {
      const int at = k + column(piece, lane);
      raw.pieces[piece] = load_codes(row.codes + 2 * static_cast<std::int64_t>(at), at < columns);
    }
    return raw;
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
  __device__ static void decode(const Raw& raw, int piece, float, const PackedTables*, std::uint32_t (&pairs)[4]) {
    pairs[0] = convert<Compute>(raw.pieces[piece].x);
    pairs[1] = convert<Compute>(raw.pieces[piece].y);
    pairs[2] = convert<Compute>(raw.pieces[piece].z);
    pairs[3] = convert<Compute>(raw.pieces[piece].w);
  }
  __device__ static float factor(const WeightView&, const Raw&, const PackedTables*) { return 1.0F; }
};

struct Dense32Codec {
  static constexpr int steps_ahead = 1;
  static constexpr int blocks_at_once = 1;
  static constexpr bool has_tables = false;
  struct Raw {
    uint4 first[pieces_per_step], second[pieces_per_step];
  };
  __device__ static int column(int piece, int lane) { return piece * 32 + lane * 8; }
  __device__ static Raw load(const WeightView&, const WeightRow& row, int k, int columns, int lane, int) {
    Raw raw;
#pragma unroll
    for (int piece = 0; piece < pieces_per_step; ++piece) {
      const int at = k + column(piece, lane);
      raw.first[piece] = load_codes(row.codes + 4 * static_cast<std::int64_t>(at), at < columns);
      raw.second[piece] = load_codes(row.codes + 4 * static_cast<std::int64_t>(at) + 16, at < columns);
    }
    return raw;
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, float, const PackedTables*, std::uint32_t (&pairs)[4]) {
    const uint4& a = raw.first[piece];
    const uint4& b = raw.second[piece];
    pairs[0] = Compute::pack(float_from_bits(a.x), float_from_bits(a.y));
    pairs[1] = Compute::pack(float_from_bits(a.z), float_from_bits(a.w));
    pairs[2] = Compute::pack(float_from_bits(b.x), float_from_bits(b.y));
    pairs[3] = Compute::pack(float_from_bits(b.z), float_from_bits(b.w));
  }
  __device__ static float factor(const WeightView&, const Raw&, const PackedTables*) { return 1.0F; }
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
  static constexpr int steps_ahead = 1;
  static constexpr int blocks_at_once = 2;  ///< per multiprocessor, with the registers that leaves each thread
  static constexpr bool has_tables = false;
  struct Raw {
    uint4 halves[2];
    float absmax;
  };
  __device__ static int column(int piece, int lane) { return piece / 2 * 64 + lane * 16 + piece % 2 * 8; }
  __device__ static Raw load(const WeightView& weight, const WeightRow& row, int k, int columns, int lane, int) {
    Raw raw;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int at = k + half * 64 + lane * 16;
      raw.halves[half] = load_codes(row.codes + at, at < columns);
    }
    raw.absmax = static_cast<const float*>(weight.scales)[row.row];
    return raw;
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, float absmax, const PackedTables*,
                                std::uint32_t (&pairs)[4]) {
    const uint4& half = raw.halves[piece / 2];
    const std::uint32_t words[2] = {piece % 2 == 0 ? half.x : half.z, piece % 2 == 0 ? half.y : half.w};
    float codes[4];
    signed_bytes_to_floats(words[0], codes);
    pairs[0] = Compute::pack(decode_int8_code(codes[0], absmax), decode_int8_code(codes[1], absmax));
    pairs[1] = Compute::pack(decode_int8_code(codes[2], absmax), decode_int8_code(codes[3], absmax));
    signed_bytes_to_floats(words[1], codes);
    pairs[2] = Compute::pack(decode_int8_code(codes[0], absmax), decode_int8_code(codes[1], absmax));
    pairs[3] = Compute::pack(decode_int8_code(codes[2], absmax), decode_int8_code(codes[3], absmax));
  }
  __device__ static float factor(const WeightView&, const Raw& raw, const PackedTables*) { return raw.absmax; }
};

/// NF4, FP4 and INT4 in flat blocks of a power of two of at least 32 values, plain or double quantized.
struct Packed4Codec {
  static constexpr int steps_ahead = 2;
  static constexpr int blocks_at_once = 2;  ///< per multiprocessor, with the registers that leaves each thread
  static constexpr bool has_tables = true;
  struct Raw {
    uint4 codes;
    float absmax;  // of the second level when nested
    float offset;
    int scale_code;
  };
  __device__ static int column(int piece, int lane) { return lane * 32 + piece * 8; }
  __device__ static Raw load(const WeightView& weight, const WeightRow& row, int k, int columns, int lane,
                             int block_shift) {
    const int at = k + lane * 32;
    const bool inside = at < columns;
    const std::int64_t block = (row.row * weight.columns + (inside ? at : 0)) >> block_shift;
    Raw raw;
    raw.codes = load_codes(row.codes + at / 2, inside);
    if (weight.nested_absmax == nullptr) {
      raw.absmax = static_cast<const float*>(weight.scales)[block];
    } else {
      raw.scale_code = static_cast<const std::uint8_t*>(weight.scales)[block];
      raw.absmax = weight.nested_absmax[block / nested_block_size];
      raw.offset = weight.nested_absmax[weight.nested_blocks];
    }
    return raw;
  }
  __device__ static float factor(const WeightView& weight, const Raw& raw, const PackedTables* tables) {
    float absmax = raw.absmax;
    if (weight.nested_absmax != nullptr) {
      absmax = decode_nested_absmax(tables->dynamic_levels[raw.scale_code], raw.absmax, raw.offset);
    }
    return block_scale(weight.levels, absmax);
  }
  template <class Compute>
  __device__ static void decode(const Raw& raw, int piece, float factor, const PackedTables* tables,
                                std::uint32_t (&pairs)[4]) {
    const std::uint32_t word = word_of(raw.codes, piece);
    const float2* const table = tables->pairs + threadIdx.x % 16;
#pragma unroll
    for (int byte = 0; byte < 4; ++byte) {
      const float2 two = table[(word >> (8 * byte) & 255U) * 16];
      pairs[byte] = Compute::pack(two.x * factor, two.y * factor);
    }
  }
};

}  // namespace quantscope::cuda
