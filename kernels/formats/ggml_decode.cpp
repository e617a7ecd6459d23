// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/formats/ggml_decode.h"

#include <cstring>

#include "kernels/formats/ggml_decode_avx2.h"
#include "kernels/formats/ggml_iq_grids.h"
#include "kernels/formats/ggml_part.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

using RowDecoder = void (*)(const std::byte* blocks, std::int64_t count, float* values);

/// The loops are inside, so that the compiler sees the decoder in them.
template <GgmlType type, const auto& grid>
void decode_with(const std::byte* blocks, std::int64_t count, float* values) {
  constexpr GgmlTypeInfo info = ggml_type_info(type);
  for (const float* const end = values + count; values < end; blocks += info.block_bytes)
    for (int part = 0; part < info.block_values / ggml_part_values; ++part, values += ggml_part_values)
      decode_ggml_part<type>(blocks, part, grid, values);
}

constexpr std::uint16_t no_grid[1] = {};

template <GgmlType type>
void decode_blocks(const std::byte* blocks, std::int64_t count, float* values) {
  decode_with<type, no_grid>(blocks, count, values);
}

template <auto to_fp32>
void decode_halves(const std::byte* stored, std::int64_t count, float* values) {
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = to_fp32(static_cast<std::uint16_t>(detail::load_u16(stored + 2 * i)));
}

void copy_fp32(const std::byte* stored, std::int64_t count, float* values) {
  std::memcpy(values, stored, static_cast<std::size_t>(count) * sizeof(float));
}

RowDecoder row_decoder(GgmlType type) {
  switch (type) {
    case GgmlType::f32: return copy_fp32;
    case GgmlType::f16: return decode_halves<fp16_to_fp32>;
    case GgmlType::bf16: return decode_halves<bf16_to_fp32>;
    case GgmlType::q4_0: return decode_blocks<GgmlType::q4_0>;
    case GgmlType::q4_1: return decode_blocks<GgmlType::q4_1>;
    case GgmlType::q5_0: return decode_blocks<GgmlType::q5_0>;
    case GgmlType::q5_1: return decode_blocks<GgmlType::q5_1>;
    case GgmlType::q8_0: return decode_blocks<GgmlType::q8_0>;
    case GgmlType::iq4_nl: return decode_blocks<GgmlType::iq4_nl>;
    case GgmlType::mxfp4: return decode_blocks<GgmlType::mxfp4>;
    case GgmlType::q2_k: return decode_blocks<GgmlType::q2_k>;
    case GgmlType::q3_k: return decode_blocks<GgmlType::q3_k>;
    case GgmlType::q4_k: return decode_blocks<GgmlType::q4_k>;
    case GgmlType::q5_k: return decode_blocks<GgmlType::q5_k>;
    case GgmlType::q6_k: return decode_blocks<GgmlType::q6_k>;
    case GgmlType::iq4_xs: return decode_blocks<GgmlType::iq4_xs>;
    case GgmlType::iq3_s: return decode_with<GgmlType::iq3_s, iq3_s_grid>;
    case GgmlType::iq3_xxs: return decode_with<GgmlType::iq3_xxs, iq3_xxs_grid>;
    case GgmlType::iq2_s: return decode_with<GgmlType::iq2_s, iq2_s_grid>;
    case GgmlType::iq2_xs: return decode_with<GgmlType::iq2_xs, iq2_xs_grid>;
    case GgmlType::iq2_xxs: return decode_with<GgmlType::iq2_xxs, iq2_xxs_grid>;
    case GgmlType::iq1_m: return decode_with<GgmlType::iq1_m, iq1_grid>;
    case GgmlType::iq1_s: return decode_with<GgmlType::iq1_s, iq1_grid>;
    case GgmlType::tq2_0: return decode_blocks<GgmlType::tq2_0>;
    case GgmlType::tq1_0: return decode_blocks<GgmlType::tq1_0>;
  }
  return nullptr;
}

}  // namespace

void decode_ggml(GgmlType type, const std::byte* blocks, std::int64_t count, float* values) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  if (const GgmlBlocksDecoder decode = ggml_decoder_avx2(type))
    return decode(blocks, count / info.block_values, values);
  row_decoder(type)(blocks, count, values);
}

}  // namespace quantscope
