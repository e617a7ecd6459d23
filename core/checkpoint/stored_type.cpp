// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/stored_type.h"

#include <array>
#include <cstring>
#include <utility>

#include "kernels/formats/ggml_decode.h"

namespace quantscope {
namespace {

struct GgmlPair {
  StoredType stored;
  GgmlType ggml;
};
constexpr std::array<GgmlPair, ggml_types.size()> ggml_pairs = {{
    {StoredType::f32, GgmlType::f32},         {StoredType::f16, GgmlType::f16},
    {StoredType::bf16, GgmlType::bf16},       {StoredType::q8_0, GgmlType::q8_0},
    {StoredType::q4_0, GgmlType::q4_0},       {StoredType::q4_1, GgmlType::q4_1},
    {StoredType::q5_0, GgmlType::q5_0},       {StoredType::q5_1, GgmlType::q5_1},
    {StoredType::iq4_nl, GgmlType::iq4_nl},   {StoredType::mxfp4, GgmlType::mxfp4},
    {StoredType::q2_k, GgmlType::q2_k},       {StoredType::q3_k, GgmlType::q3_k},
    {StoredType::q4_k, GgmlType::q4_k},       {StoredType::q5_k, GgmlType::q5_k},
    {StoredType::q6_k, GgmlType::q6_k},       {StoredType::iq4_xs, GgmlType::iq4_xs},
    {StoredType::iq3_s, GgmlType::iq3_s},     {StoredType::iq3_xxs, GgmlType::iq3_xxs},
    {StoredType::iq2_s, GgmlType::iq2_s},     {StoredType::iq2_xs, GgmlType::iq2_xs},
    {StoredType::iq2_xxs, GgmlType::iq2_xxs}, {StoredType::iq1_m, GgmlType::iq1_m},
    {StoredType::iq1_s, GgmlType::iq1_s},     {StoredType::tq2_0, GgmlType::tq2_0},
    {StoredType::tq1_0, GgmlType::tq1_0},
}};

/// In the order of StoredType.
constexpr auto make_types() {
  std::array<StoredTypeInfo, ggml_pairs.size() + 1> types{};
  for (const GgmlPair& pair : ggml_pairs) {
    const GgmlTypeInfo& info = ggml_type_info(pair.ggml);
    types[static_cast<std::size_t>(pair.stored)] = {pair.stored, info.name, info.block_values, info.block_bytes};
  }
  types[static_cast<std::size_t>(StoredType::f64)] = {StoredType::f64, "F64", 1, 8};  // of safetensors only
  return types;
}
constexpr auto types = make_types();

struct UnreadType {
  std::uint32_t id;
  std::string_view name;
};
/// ggml types that are not read, for messages. Source: ggml, ggml.h.
constexpr std::array<UnreadType, 10> unread_types = {{{9, "Q8_1"},
                                                      {15, "Q8_K"},
                                                      {24, "I8"},
                                                      {25, "I16"},
                                                      {26, "I32"},
                                                      {27, "I64"},
                                                      {28, "F64"},
                                                      {40, "NVFP4"},
                                                      {41, "Q1_0"},
                                                      {42, "Q2_0"}}};

/// Rounded to fp32, the widest type that the program computes in.
void decode_doubles(const std::byte* source, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = 0;
    std::memcpy(&value, source + 8 * i, 8);
    values[i] = static_cast<float>(value);
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

std::optional<GgmlType> ggml_type_of(StoredType type) {
  for (const GgmlPair& pair : ggml_pairs)
    if (pair.stored == type) return pair.ggml;
  return std::nullopt;
}

std::optional<StoredType> stored_type_of_ggml(std::uint32_t id) {
  const auto type = ggml_type_of_id(id);
  for (const GgmlPair& pair : ggml_pairs)
    if (pair.ggml == type) return pair.stored;
  return std::nullopt;
}

std::string_view ggml_type_name(std::uint32_t id) {
  if (const auto type = ggml_type_of_id(id)) return ggml_type_info(*type).name;
  for (const UnreadType& type : unread_types)
    if (type.id == id) return type.name;
  return "unknown";
}

std::optional<StoredType> stored_type_of_safetensors(std::string_view dtype) {
  const auto type = type_named(dtype);
  return type && !is_block_quantized(*type) ? type : std::nullopt;
}

std::optional<DataType> plain_data_type(StoredType type) {
  switch (type) {
    case StoredType::f32: return DataType::fp32;
    case StoredType::f16: return DataType::fp16;
    case StoredType::bf16: return DataType::bf16;
    default: return std::nullopt;
  }
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
  if (const auto ggml = ggml_type_of(type))
    decode_ggml(*ggml, source, static_cast<std::int64_t>(values.size()), values.data());
  else if (type == StoredType::f64)
    decode_doubles(source, values);
}

}  // namespace quantscope
