// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quantscope {

/// The data types a user can choose for weights. One table, used by the command line, the window and the reports.
enum class DataType : std::uint8_t { fp32, fp16, bf16, int8, int4, nf4, fp4 };

struct DataTypeInfo {
  DataType type;
  std::string_view name;   ///< as on the command line
  std::string_view label;  ///< as in the window
  int bits;                ///< of one code
};

inline constexpr std::array<DataTypeInfo, 7> data_types = {{
    {DataType::fp32, "fp32", "FP32", 32},
    {DataType::fp16, "fp16", "FP16", 16},
    {DataType::bf16, "bf16", "BF16", 16},
    {DataType::int8, "int8", "INT8", 8},
    {DataType::int4, "int4", "INT4", 4},
    {DataType::nf4, "nf4", "NF4", 4},
    {DataType::fp4, "fp4", "FP4", 4},
}};

constexpr const DataTypeInfo& data_type_info(DataType type) { return data_types[static_cast<std::size_t>(type)]; }

constexpr std::optional<DataType> parse_data_type(std::string_view name) {
  for (const DataTypeInfo& info : data_types)
    if (info.name == name || info.label == name) return info.type;
  return std::nullopt;
}

/// True for types without scales (FP32, FP16, BF16).
constexpr bool is_dense(DataType type) { return data_type_info(type).bits >= 16; }

/// What decoded weights and activations are rounded to before a product; sums are always fp32.
enum class ComputeType : std::uint8_t { fp32, fp16, bf16 };

}  // namespace quantscope
