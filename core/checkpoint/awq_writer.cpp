// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/layout_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/checkpoint/awq_layout.h"
#include "core/checkpoint/bit_layout.h"
#include "kernels/formats/affine.h"

namespace quantscope {
namespace {

using nlohmann::ordered_json;
constexpr int bits = 4;

tl::unexpected<Error> refuse(const LayoutWeight& weight, std::string_view why) {
  return fail(ErrorCode::unsupported, fmt::format("AWQ's layout cannot hold {}: {}.", weight.name, why), weight.name);
}

/// [count, rows / 8] words of the codes of `rows` rows of `count` codes each.
std::vector<std::uint32_t> gemm_words(const std::uint8_t* codes, std::int64_t rows, std::int64_t count) {
  const std::int64_t row_bytes = bit_row_bytes(count, bits), width = rows / 8;
  std::vector<std::uint32_t> words(static_cast<std::size_t>(count * width));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t k = 0; k < count; ++k)
      words[static_cast<std::size_t>(k * width + row / 8)] |=
          static_cast<std::uint32_t>(bit_code(codes + row * row_bytes, k, bits)) << (4 * awq_nibbles[row % 8]);
  return words;
}

class AwqWriter final : public LayoutWriter {
 public:
  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  ordered_json config(const std::vector<LayoutWeight>& weights,
                      const std::vector<std::string>& plain_modules) const override;
};

Result<std::vector<TensorDeclaration>> AwqWriter::declare(const LayoutWeight& weight) const {
  const WeightFormat& format = weight.format;
  if (format.levels != Levels::affine || format.code_bits != bits || format.zero_point == ZeroPoint::floating)
    return refuse(weight, "it needs 4-bit codes in groups along K with integer zero points");
  if (format.group_index) return refuse(weight, "its groups are reordered (act-order)");
  const std::int64_t group = std::min(format.block_size, weight.columns);
  if (weight.rows % 8 != 0 || weight.columns % group != 0)
    return refuse(weight, fmt::format("its shape [{}, {}] is no multiple of 8 rows and groups of {}", weight.rows,
                                      weight.columns, group));
  const std::string module = module_of(weight.name);
  const std::int64_t groups = weight.columns / group, width = weight.rows / 8;
  const auto size = [](std::int64_t count) { return static_cast<std::uint64_t>(count); };
  return std::vector<TensorDeclaration>{
      {module + ".qweight", "I32", {weight.columns, width}, size(4 * weight.columns * width)},
      {module + ".qzeros", "I32", {groups, width}, size(4 * groups * width)},
      {module + ".scales",
       scale_dtype(format.scale_type),
       {groups, weight.rows},
       size(groups * weight.rows * scale_bytes(format))}};
}

Result<void> AwqWriter::append(const LayoutWeight&, const QuantizedTensor& tensor, SafetensorsWriter& file) const {
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns);
  const auto codes = gemm_words(tensor.codes.as<std::uint8_t>().data(), tensor.rows, tensor.columns);
  if (auto done = file.append_values<std::uint32_t>(codes); !done) return done;
  std::vector<std::uint32_t> zeros(static_cast<std::size_t>(groups * tensor.rows / 8), 0x88888888U);
  if (tensor.format.zero_point == ZeroPoint::integer)
    zeros = gemm_words(tensor.zeros.as<std::uint8_t>().data(), tensor.rows, groups);
  if (auto done = file.append_values<std::uint32_t>(zeros); !done) return done;
  return file.append(transposed_scales(tensor));
}

ordered_json AwqWriter::config(const std::vector<LayoutWeight>& weights,
                               const std::vector<std::string>& plain_modules) const {
  const WeightFormat format = weights.empty() ? WeightFormat{} : weights.front().format;
  const bool one_group = std::ranges::all_of(
      weights, [](const LayoutWeight& weight) { return weight.format.block_size >= weight.columns; });
  ordered_json skipped = nullptr;
  if (!plain_modules.empty()) skipped = plain_modules;
  return {{"quant_method", "awq"}, {"bits", bits},      {"group_size", one_group ? -1 : format.block_size},
          {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", skipped}};
}

}  // namespace

std::unique_ptr<LayoutWriter> awq_writer() { return std::make_unique<AwqWriter>(); }

}  // namespace quantscope
