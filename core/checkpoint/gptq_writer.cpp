// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/layout_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/checkpoint/bit_layout.h"
#include "kernels/formats/affine.h"

namespace quantscope {
namespace {

using nlohmann::ordered_json;

tl::unexpected<Error> refuse(const LayoutWeight& weight, std::string_view why) {
  return fail(ErrorCode::unsupported, fmt::format("GPTQ's layout cannot hold {}: {}.", weight.name, why), weight.name);
}

Result<void> check(const LayoutWeight& weight) {
  const WeightFormat& format = weight.format;
  if (format.levels != Levels::affine || (format.code_bits != 4 && format.code_bits != 8))
    return refuse(weight, "it needs codes of 4 or 8 bits in groups along K");
  if (format.zero_point == ZeroPoint::floating) return refuse(weight, "its zero points lie between the codes");
  const std::int64_t per_word = 32 / format.code_bits;
  if (weight.columns % per_word != 0 || weight.rows % per_word != 0)
    return refuse(weight, fmt::format("its shape [{}, {}] does not fill words of {} codes", weight.rows, weight.columns,
                                      per_word));
  return {};
}

bool is_symmetric(const QuantizedTensor& tensor) {
  if (tensor.format.zero_point == ZeroPoint::none) return true;
  const int bits = tensor.format.code_bits;
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns), row_bytes = bit_row_bytes(groups, bits);
  const auto* zeros = tensor.zeros.as<std::uint8_t>().data();
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    for (std::int64_t group = 0; group < groups; ++group)
      if (bit_code(zeros + row * row_bytes, group, bits) != symmetric_zero(bits)) return false;
  return true;
}

/// A row of codes is a column of words in the file.
std::vector<std::uint32_t> transposed_words(const QuantizedTensor& tensor) {
  const std::int64_t words = bit_row_bytes(tensor.columns, tensor.format.code_bits) / 4;
  const FileMatrix<std::uint32_t> rows({tensor.codes.data(), tensor.codes.size()}, words);
  std::vector<std::uint32_t> transposed(static_cast<std::size_t>(words * tensor.rows));
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    for (std::int64_t word = 0; word < words; ++word)
      transposed[static_cast<std::size_t>(word * tensor.rows + row)] = rows.at(row, word);
  return transposed;
}

std::vector<std::int32_t> group_index(const QuantizedTensor& tensor) {
  std::vector<std::int32_t> index(static_cast<std::size_t>(tensor.columns));
  for (std::size_t k = 0; k < index.size(); ++k)
    index[k] = tensor.format.group_index
                   ? tensor.group_index.as<std::int32_t>()[k]
                   : static_cast<std::int32_t>(static_cast<std::int64_t>(k) / tensor.format.block_size);
  return index;
}

class GptqWriter final : public LayoutWriter {
 public:
  Result<std::vector<TensorDeclaration>> declare(const LayoutWeight& weight) const override;
  Result<void> append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                      SafetensorsWriter& file) const override;
  ordered_json config(const std::vector<LayoutWeight>& weights,
                      const std::vector<std::string>& plain_modules) const override;
};

Result<std::vector<TensorDeclaration>> GptqWriter::declare(const LayoutWeight& weight) const {
  if (auto fits = check(weight); !fits) return tl::unexpected(std::move(fits.error()));
  const std::string module = module_of(weight.name);
  const std::int64_t bits = weight.format.code_bits, groups = groups_per_row(weight.format, weight.columns);
  const std::int64_t words = weight.columns * bits / 32, zero_words = weight.rows * bits / 32;
  const auto size = [](std::int64_t count) { return static_cast<std::uint64_t>(count); };
  return std::vector<TensorDeclaration>{
      {module + ".qweight", "I32", {words, weight.rows}, size(4 * words * weight.rows)},
      {module + ".qzeros", "I32", {groups, zero_words}, size(4 * groups * zero_words)},
      {module + ".scales",
       scale_dtype(weight.format.scale_type),
       {groups, weight.rows},
       size(groups * weight.rows * scale_bytes(weight.format))},
      {module + ".g_idx", "I32", {weight.columns}, size(4 * weight.columns)}};
}

Result<void> GptqWriter::append(const LayoutWeight& weight, const QuantizedTensor& tensor,
                                SafetensorsWriter& file) const {
  if (!is_symmetric(tensor))
    return refuse(weight, "its zero points are not symmetric, and readers of GPTQ v1 disagree about such; write AWQ");
  if (auto done = file.append_values<std::uint32_t>(transposed_words(tensor)); !done) return done;
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns);
  const std::uint32_t zeros_less_one = tensor.format.code_bits == 4 ? 0x77777777U : 0x7F7F7F7FU;
  const std::vector<std::uint32_t> zeros(static_cast<std::size_t>(groups * tensor.rows * tensor.format.code_bits / 32),
                                         zeros_less_one);
  if (auto done = file.append_values<std::uint32_t>(zeros); !done) return done;
  if (auto done = file.append(transposed_scales(tensor)); !done) return done;
  return file.append_values<std::int32_t>(group_index(tensor));
}

ordered_json GptqWriter::config(const std::vector<LayoutWeight>& weights, const std::vector<std::string>&) const {
  const WeightFormat format = weights.empty() ? WeightFormat{} : weights.front().format;
  const bool one_group = std::ranges::all_of(
      weights, [](const LayoutWeight& weight) { return weight.format.block_size >= weight.columns; });
  return {{"quant_method", "gptq"},
          {"bits", format.code_bits},
          {"group_size", one_group ? -1 : format.block_size},
          {"desc_act", format.group_index},
          {"sym", true},
          {"checkpoint_format", "gptq"},
          {"pack_dtype", "int32"},
          {"damp_percent", 0.01},
          {"true_sequential", true},
          {"lm_head", false}};
}

}  // namespace

std::unique_ptr<LayoutWriter> gptq_writer() { return std::make_unique<GptqWriter>(); }

}  // namespace quantscope
