// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/formats/ggml_decode.h"

#include <cstring>

#include "kernels/formats/ggml_blocks.h"
#include "kernels/formats/ggml_decode_avx2.h"
#include "kernels/formats/ggml_iq_blocks.h"
#include "kernels/formats/ggml_iq_grids.h"
#include "kernels/formats/ggml_k_blocks.h"
#include "kernels/formats/ggml_ternary_blocks.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

using Decoder = void (*)(const std::byte* block, float* values);

template <auto decode, const auto& grid>
void decode_with(const std::byte* block, float* values) {
  decode(block, values, grid);
}

template <auto to_fp32>
void decode_half(const std::byte* block, float* values) {
  *values = to_fp32(static_cast<std::uint16_t>(detail::load_u16(block)));
}

void decode_fp32(const std::byte* block, float* values) { std::memcpy(values, block, sizeof(float)); }

/// The loop is inside, so that the compiler sees the block decoder in it.
template <Decoder decode>
void decode_blocks(const GgmlTypeInfo& info, const std::byte* blocks, std::int64_t count, float* values) {
  for (std::int64_t block = 0; block < count / info.block_values; ++block)
    decode(blocks + block * info.block_bytes, values + block * info.block_values);
}

using RowDecoder = void (*)(const GgmlTypeInfo&, const std::byte*, std::int64_t, float*);

RowDecoder row_decoder(GgmlType type) {
  switch (type) {
    case GgmlType::f32: return decode_blocks<decode_fp32>;
    case GgmlType::f16: return decode_blocks<decode_half<fp16_to_fp32>>;
    case GgmlType::bf16: return decode_blocks<decode_half<bf16_to_fp32>>;
    case GgmlType::q4_0: return decode_blocks<decode_q4_0_block>;
    case GgmlType::q4_1: return decode_blocks<decode_q4_1_block>;
    case GgmlType::q5_0: return decode_blocks<decode_q5_0_block>;
    case GgmlType::q5_1: return decode_blocks<decode_q5_1_block>;
    case GgmlType::q8_0: return decode_blocks<decode_q8_0_block>;
    case GgmlType::iq4_nl: return decode_blocks<decode_iq4_nl_block>;
    case GgmlType::mxfp4: return decode_blocks<decode_mxfp4_block>;
    case GgmlType::q2_k: return decode_blocks<decode_q2_k_block>;
    case GgmlType::q3_k: return decode_blocks<decode_q3_k_block>;
    case GgmlType::q4_k: return decode_blocks<decode_q4_k_block>;
    case GgmlType::q5_k: return decode_blocks<decode_q5_k_block>;
    case GgmlType::q6_k: return decode_blocks<decode_q6_k_block>;
    case GgmlType::iq4_xs: return decode_blocks<decode_iq4_xs_block>;
    case GgmlType::iq3_s: return decode_blocks<decode_with<decode_iq3_s_block, iq3_s_grid>>;
    case GgmlType::iq3_xxs: return decode_blocks<decode_with<decode_iq3_xxs_block, iq3_xxs_grid>>;
    case GgmlType::iq2_s: return decode_blocks<decode_with<decode_iq2_s_block, iq2_s_grid>>;
    case GgmlType::iq2_xs: return decode_blocks<decode_with<decode_iq2_xs_block, iq2_xs_grid>>;
    case GgmlType::iq2_xxs: return decode_blocks<decode_with<decode_iq2_xxs_block, iq2_xxs_grid>>;
    case GgmlType::iq1_m: return decode_blocks<decode_with<decode_iq1_m_block, iq1_grid>>;
    case GgmlType::iq1_s: return decode_blocks<decode_with<decode_iq1_s_block, iq1_grid>>;
    case GgmlType::tq2_0: return decode_blocks<decode_tq2_0_block>;
    case GgmlType::tq1_0: return decode_blocks<decode_tq1_0_block>;
  }
  return nullptr;
}

}  // namespace

void decode_ggml(GgmlType type, const std::byte* blocks, std::int64_t count, float* values) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  if (const GgmlBlocksDecoder decode = ggml_decoder_avx2(type))
    return decode(blocks, count / info.block_values, values);
  row_decoder(type)(info, blocks, count, values);
}

}  // namespace quantscope
