// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gptq_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/checkpoint/bit_layout.h"
#include "kernels/formats/affine.h"

namespace quantscope {
namespace {

/// How the zero points of a file become the true ones.
enum class ZeroOffset : std::uint8_t {
  none,       ///< "gptq_v2"
  each,       ///< one is added to each, modulo 2^bits
  words,      ///< a one for each zero point of a word is added to the word (2, 4 and 8 bits)
  gptqmodel3  ///< GPTQModel's three words for 3 bits
};

/// The fields of quantization_config that hold for all weights.
struct Settings {
  int bits = 4;
  std::int64_t group_size = -1;  ///< -1: one group
  ZeroOffset offset = ZeroOffset::words;
};

std::uint32_t ones_of_word(int bits) {
  std::uint32_t ones = 0;
  for (int shift = 0; shift < 32; shift += bits) ones |= 1U << static_cast<unsigned>(shift);
  return ones;
}

class GptqWeight final : public RowSliceWeight {
 public:
  struct Parts {
    std::span<const std::byte> qweight, qzeros, scales;
    GroupIndex index;
  };

  GptqWeight(std::int64_t rows, std::int64_t columns, const WeightFormat& format, ZeroOffset offset, const Parts& parts)
      : RowSliceWeight(rows, columns, format, 1), offset_(offset), parts_(parts) {}

 private:
  void fill(std::int64_t first_row, QuantizedTensor& tensor) const override {
    fill_codes(first_row, tensor);
    fill_zeros(first_row, tensor);
    transpose_scales(parts_.scales, rows(), first_row, tensor);
    copy_group_index(parts_.index, tensor);
  }

  /// The words of a column are a row of codes as this program keeps it.
  void fill_codes(std::int64_t first_row, QuantizedTensor& tensor) const {
    const FileMatrix<std::uint32_t> words(parts_.qweight, rows());
    const std::int64_t row_bytes = bit_row_bytes(columns(), format().code_bits);
    for (std::int64_t word = 0; word < row_bytes / 4; ++word)
      for (std::int64_t row = 0; row < tensor.rows; ++row)
        std::memcpy(tensor.codes.data() + row * row_bytes + 4 * word, words.address(word, first_row + row), 4);
  }

  void fill_zeros(std::int64_t first_row, QuantizedTensor& tensor) const {
    const int bits = format().code_bits;
    const std::int64_t groups = groups_per_row(format(), columns()), row_bytes = bit_row_bytes(groups, bits);
    std::vector<std::uint32_t> zeros(static_cast<std::size_t>(rows() * bits / 32));
    auto* out = tensor.zeros.as<std::uint8_t>().data();
    for (std::int64_t group = 0; group < groups; ++group) {
      true_zeros(group, zeros);
      const auto* packed = reinterpret_cast<const std::uint8_t*>(zeros.data());
      for (std::int64_t row = 0; row < tensor.rows; ++row)
        put_bit_code(out + row * row_bytes, group, bits, bit_code(packed, first_row + row, bits));
    }
  }

  /// The zero points of a group, packed along N as in the file.
  void true_zeros(std::int64_t group, std::span<std::uint32_t> zeros) const {
    // Words of 3 * 32 bits that hold 32 zero points. Not a one for each of them: taken from GPTQModel as they are.
    constexpr std::array<std::uint32_t, 3> gptqmodel_words = {0x24924924U, 0x92492492U, 0x49249249U};
    const int bits = format().code_bits;
    const std::uint32_t ones = ones_of_word(bits);
    std::memcpy(zeros.data(), parts_.qzeros.data() + group * std::ssize(zeros) * 4, zeros.size_bytes());
    for (std::size_t i = 0; i < zeros.size(); ++i) {
      if (offset_ == ZeroOffset::words) zeros[i] += ones;
      if (offset_ == ZeroOffset::gptqmodel3) zeros[i] += gptqmodel_words[i % 3];
    }
    if (offset_ == ZeroOffset::each) add_one_to_each(zeros);
  }

  void add_one_to_each(std::span<std::uint32_t> zeros) const {
    const int bits = format().code_bits;
    std::vector<std::uint32_t> sums(zeros.size());
    const auto* packed = reinterpret_cast<const std::uint8_t*>(zeros.data());
    auto* out = reinterpret_cast<std::uint8_t*>(sums.data());
    for (std::int64_t n = 0; n < rows(); ++n)
      put_bit_code(out, n, bits, (bit_code(packed, n, bits) + 1) & ((1 << bits) - 1));
    std::memcpy(zeros.data(), sums.data(), zeros.size_bytes());
  }

  ZeroOffset offset_;
  Parts parts_;
};

bool written_by_gptqmodel(const QuantizationConfig& config) {
  const auto meta = config.fields().find("meta");
  return meta != config.fields().end() && meta->is_object() && meta->contains("quantizer") &&
         meta->at("quantizer").dump().find("gptqmodel") != std::string::npos;
}

Result<ZeroOffset> zero_offset(const QuantizationConfig& config, std::int64_t bits) {
  const auto version = config.text({"checkpoint_format", "format"}, "gptq");
  if (!version) return tl::unexpected(version.error());
  if (*version == "gptq_v2") return ZeroOffset::none;
  if (*version != "gptq")
    return config.unsupported("checkpoint_format",
                              fmt::format("is '{}', which is not read; read are gptq and gptq_v2", *version));
  if (bits != 3) return ZeroOffset::words;
  return written_by_gptqmodel(config) ? ZeroOffset::gptqmodel3 : ZeroOffset::each;
}

Result<Settings> read_settings(const QuantizationConfig& config) {
  const auto bits = config.integer({"bits", "w_bit"}, std::nullopt);
  if (!bits) return tl::unexpected(bits.error());
  if (*bits != 2 && *bits != 3 && *bits != 4 && *bits != 8)
    return config.unsupported("bits", fmt::format("is {}; read are 2, 3, 4 and 8", *bits));
  const auto group = config.integer({"group_size", "q_group_size"}, -1);
  if (!group) return tl::unexpected(group.error());
  if (*group != -1 && *group <= 0) return config.damaged("group_size", "is neither positive nor -1");
  if (const auto dynamic = config.fields().find("dynamic");
      dynamic != config.fields().end() && dynamic->is_object() && !dynamic->empty())
    return config.unsupported("dynamic", "gives modules settings of their own, which is not read");
  const auto offset = zero_offset(config, *bits);
  if (!offset) return tl::unexpected(offset.error());
  return Settings{static_cast<int>(*bits), *group, *offset};
}

Result<void> add_weight(const FileTensors& tensors, const PackedModule& module, const Settings& settings,
                        QuantizedWeights& found) {
  const FileTensor& qweight = *module.qweight;
  const std::int64_t rows = qweight.shape[1], words = qweight.shape[0], bits = settings.bits;
  const std::int64_t columns = words * 32 / bits;
  if (words * 32 % bits != 0 || rows * bits % 32 != 0)
    return tensors.damage(
        qweight, fmt::format("its shape [{}, {}] does not hold whole rows of {}-bit codes", words, rows, bits));
  const std::int64_t group = settings.group_size == -1 ? columns : std::min(settings.group_size, columns);
  const std::int64_t groups = (columns + group - 1) / group;
  const std::int64_t zeros_shape[] = {groups, rows * bits / 32}, scales_shape[] = {groups, rows};
  if (auto fits = tensors.expect(*module.qzeros, "I32", zeros_shape); !fits) return fits;
  if (auto fits = tensors.expect(*module.scales, module.scales->dtype, scales_shape); !fits) return fits;
  GptqWeight::Parts parts{tensors.bytes(qweight), tensors.bytes(*module.qzeros), tensors.bytes(*module.scales), {}};
  const FileTensor* g_idx = tensors.find(module.name + ".g_idx");
  if (g_idx != nullptr) {
    auto index = read_group_index(tensors, *g_idx, columns, group);
    if (!index) return tl::unexpected(std::move(index.error()));
    parts.index = *index;
  }
  WeightFormat format = affine_format(settings.bits, group, module.scale_type);
  format.zero_point = ZeroPoint::integer;
  format.group_index = parts.index.act_order;
  const FileTensor* list[] = {&qweight, module.qzeros, module.scales, g_idx};
  const std::string group_text = settings.group_size == -1 ? "one group" : fmt::format("group {}", group);
  found.add(module.name + ".weight", {rows, columns}, format,
            fmt::format("GPTQ {}-bit {}{}", bits, group_text, format.group_index ? ", act-order" : ""), list,
            std::make_shared<GptqWeight>(rows, columns, format, settings.offset, parts));
  return {};
}

}  // namespace

Result<void> find_gptq_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found) {
  const auto settings = read_settings(config);
  if (!settings) return tl::unexpected(settings.error());
  return for_each_packed_module(
      tensors, [&](const PackedModule& module) { return add_weight(tensors, module, *settings, found); });
}

}  // namespace quantscope
