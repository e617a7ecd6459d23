// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/formats/ggml_encode.h"

#include <cstring>

#include "kernels/formats/ggml_block_encode.h"
#include "kernels/formats/ggml_encode_search.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

using Encoder = void (*)(const float* values, std::byte* block);

template <auto from_fp32>
void encode_half(const float* values, std::byte* block) {
  detail::store_u16(block, from_fp32(*values));
}

void encode_fp32(const float* values, std::byte* block) { std::memcpy(block, values, sizeof(float)); }

template <Encoder encode>
void encode_blocks(const GgmlTypeInfo& info, const float* values, std::int64_t count, std::byte* blocks) {
  for (std::int64_t block = 0; block < count / info.block_values; ++block)
    encode(values + block * info.block_values, blocks + block * info.block_bytes);
}

using RowEncoder = void (*)(const GgmlTypeInfo&, const float*, std::int64_t, std::byte*);

RowEncoder row_encoder(GgmlType type) {
  switch (type) {
    case GgmlType::f32: return encode_blocks<encode_fp32>;
    case GgmlType::f16: return encode_blocks<encode_half<fp32_to_fp16>>;
    case GgmlType::bf16: return encode_blocks<encode_half<fp32_to_bf16>>;
    case GgmlType::q8_0: return encode_blocks<encode_q8_0_block>;
    case GgmlType::q4_0: return encode_blocks<encode_q4_0_block>;
    case GgmlType::q4_1: return encode_blocks<encode_q4_1_block>;
    case GgmlType::q5_0: return encode_blocks<encode_q5_0_block>;
    case GgmlType::q5_1: return encode_blocks<encode_q5_1_block>;
    case GgmlType::iq4_nl: return encode_blocks<encode_iq4_nl_block>;
    case GgmlType::q4_k: return encode_blocks<encode_q4_k_block>;
    case GgmlType::q6_k: return encode_blocks<encode_q6_k_block>;
    default: break;
  }
  return nullptr;
}

}  // namespace

void encode_ggml(GgmlType type, const float* values, std::int64_t count, std::byte* blocks) {
  row_encoder(type)(ggml_type_info(type), values, count, blocks);
}

}  // namespace quantscope
