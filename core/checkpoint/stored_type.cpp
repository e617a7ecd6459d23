// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/stored_type.h"

#include <array>
#include <cstring>
#include <utility>

#include "kernels/formats/ggml_blocks.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

constexpr std::array<StoredTypeInfo, 6> types = {{
    {StoredType::f32, "F32", 1, 4},
    {StoredType::f16, "F16", 1, 2},
    {StoredType::bf16, "BF16", 1, 2},
    {StoredType::q8_0, "Q8_0", ggml_block_values, q8_0_block_bytes},
    {StoredType::q4_0, "Q4_0", ggml_block_values, q4_0_block_bytes},
    {StoredType::q4_1, "Q4_1", ggml_block_values, q4_1_block_bytes},
}};

struct GgmlType {
  std::uint32_t id;
  std::string_view name;
};
constexpr std::array<GgmlType, 33> ggml_types = {{
    {0, "F32"},      {1, "F16"},     {2, "Q4_0"},     {3, "Q4_1"},   {6, "Q5_0"},    {7, "Q5_1"},   {8, "Q8_0"},
    {9, "Q8_1"},     {10, "Q2_K"},   {11, "Q3_K"},    {12, "Q4_K"},  {13, "Q5_K"},   {14, "Q6_K"},  {15, "Q8_K"},
    {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},
    {23, "IQ4_XS"},  {24, "I8"},     {25, "I16"},     {26, "I32"},   {27, "I64"},    {28, "F64"},   {29, "IQ1_M"},
    {30, "BF16"},    {34, "TQ1_0"},  {35, "TQ2_0"},   {39, "MXFP4"}, {40, "NVFP4"},
}};

using BlockDecoder = void (*)(const std::byte*, float*);

template <BlockDecoder decode>
void decode_blocks(const std::byte* source, std::int64_t block_bytes, std::span<float> values) {
  const auto blocks = static_cast<std::int64_t>(values.size()) / ggml_block_values;
  for (std::int64_t block = 0; block < blocks; ++block)
    decode(source + block * block_bytes, values.data() + block * ggml_block_values);
}

template <auto to_fp32>
void decode_halves(const std::byte* source, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;  // the file promises no alignment
    std::memcpy(&bits, source + 2 * i, 2);
    values[i] = to_fp32(bits);
  }
}

std::optional<StoredType> type_named(std::string_view name) {
  for (const StoredTypeInfo& info : types)
    if (info.name == name) return info.type;
  return std::nullopt;
}

}  // namespace

const StoredTypeInfo& stored_type_info(StoredType type) { return types[static_cast<std::size_t>(type)]; }

bool is_block_quantized(StoredType type) { return stored_type_info(type).block_values > 1; }

std::optional<StoredType> stored_type_of_ggml(std::uint32_t id) { return type_named(ggml_type_name(id)); }

std::string_view ggml_type_name(std::uint32_t id) {
  for (const GgmlType& type : ggml_types)
    if (type.id == id) return type.name;
  return "unknown";
}

std::optional<StoredType> stored_type_of_safetensors(std::string_view dtype) {
  const auto type = type_named(dtype);
  return type && !is_block_quantized(*type) ? type : std::nullopt;
}

std::optional<std::uint64_t> stored_bytes(StoredType type, std::span<const std::int64_t> shape) {
  const StoredTypeInfo& info = stored_type_info(type);
  if (info.block_values > 1 && (shape.empty() || shape.back() % info.block_values != 0)) return std::nullopt;
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape)
    if (dimension < 0 || __builtin_mul_overflow(count, dimension, &count)) return std::nullopt;
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count / info.block_values, info.block_bytes, &bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

void decode_stored(StoredType type, const std::byte* source, std::span<float> values) {
  if (values.empty()) return;
  switch (type) {
    case StoredType::f32: std::memcpy(values.data(), source, values.size_bytes()); break;
    case StoredType::f16: decode_halves<fp16_to_fp32>(source, values); break;
    case StoredType::bf16: decode_halves<bf16_to_fp32>(source, values); break;
    case StoredType::q8_0: decode_blocks<decode_q8_0_block>(source, q8_0_block_bytes, values); break;
    case StoredType::q4_0: decode_blocks<decode_q4_0_block>(source, q4_0_block_bytes, values); break;
    case StoredType::q4_1: decode_blocks<decode_q4_1_block>(source, q4_1_block_bytes, values); break;
  }
}

}  // namespace quantscope
