// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// The tensor types of GGUF files. Source: ggml, ggml.h (ids) and ggml-common.h (block layouts).
namespace quantscope {

/// Every type that can be decoded. The values are ggml's ids, as they stand in files.
enum class GgmlType : std::uint8_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
};

struct GgmlTypeInfo {
  GgmlType type;
  std::string_view name;      ///< as ggml prints it: "Q4_K"
  std::string_view key;       ///< as on the command line: "q4_k"
  std::int64_t block_values;  ///< values of one block; 1 for plain types. A row holds whole blocks
  std::int64_t block_bytes;
  bool can_encode;  ///< kernels/formats/ggml_encode.h makes it
};

inline constexpr std::array<GgmlTypeInfo, 25> ggml_types = {{
    {GgmlType::f32, "F32", "f32", 1, 4, true},
    {GgmlType::f16, "F16", "f16", 1, 2, true},
    {GgmlType::bf16, "BF16", "bf16", 1, 2, true},
    {GgmlType::q8_0, "Q8_0", "q8_0", 32, 34, true},
    {GgmlType::q4_0, "Q4_0", "q4_0", 32, 18, true},
    {GgmlType::q4_1, "Q4_1", "q4_1", 32, 20, true},
    {GgmlType::q5_0, "Q5_0", "q5_0", 32, 22, true},
    {GgmlType::q5_1, "Q5_1", "q5_1", 32, 24, true},
    {GgmlType::iq4_nl, "IQ4_NL", "iq4_nl", 32, 18, true},
    {GgmlType::mxfp4, "MXFP4", "mxfp4", 32, 17, false},
    {GgmlType::q2_k, "Q2_K", "q2_k", 256, 84, false},
    {GgmlType::q3_k, "Q3_K", "q3_k", 256, 110, false},
    {GgmlType::q4_k, "Q4_K", "q4_k", 256, 144, true},
    {GgmlType::q5_k, "Q5_K", "q5_k", 256, 176, false},
    {GgmlType::q6_k, "Q6_K", "q6_k", 256, 210, true},
    {GgmlType::iq4_xs, "IQ4_XS", "iq4_xs", 256, 136, false},
    {GgmlType::iq3_s, "IQ3_S", "iq3_s", 256, 110, false},
    {GgmlType::iq3_xxs, "IQ3_XXS", "iq3_xxs", 256, 98, false},
    {GgmlType::iq2_s, "IQ2_S", "iq2_s", 256, 82, false},
    {GgmlType::iq2_xs, "IQ2_XS", "iq2_xs", 256, 74, false},
    {GgmlType::iq2_xxs, "IQ2_XXS", "iq2_xxs", 256, 66, false},
    {GgmlType::iq1_m, "IQ1_M", "iq1_m", 256, 56, false},
    {GgmlType::iq1_s, "IQ1_S", "iq1_s", 256, 50, false},
    {GgmlType::tq2_0, "TQ2_0", "tq2_0", 256, 66, false},
    {GgmlType::tq1_0, "TQ1_0", "tq1_0", 256, 54, false},
}};

/// The values of the largest block.
inline constexpr std::int64_t ggml_largest_block = 256;

constexpr const GgmlTypeInfo& ggml_type_info(GgmlType type) {
  for (const GgmlTypeInfo& info : ggml_types)
    if (info.type == type) return info;
  return ggml_types.front();
}

/// The type of an id from a file, if it is one that can be decoded.
constexpr std::optional<GgmlType> ggml_type_of_id(std::uint32_t id) {
  for (const GgmlTypeInfo& info : ggml_types)
    if (static_cast<std::uint32_t>(info.type) == id) return info.type;
  return std::nullopt;
}

/// The type of a command-line name ("q4_k"), if it is one that can be decoded.
constexpr std::optional<GgmlType> parse_ggml_type(std::string_view key) {
  for (const GgmlTypeInfo& info : ggml_types)
    if (info.key == key || info.name == key) return info.type;
  return std::nullopt;
}

/// Bytes of `values` values. Precondition: whole blocks.
constexpr std::int64_t ggml_bytes(GgmlType type, std::int64_t values) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  return values / info.block_values * info.block_bytes;
}

}  // namespace quantscope
