// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/compressed_tensors_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/checkpoint/bit_layout.h"
#include "core/checkpoint/fp8_layout.h"
#include "core/checkpoint/json_document.h"
#include "kernels/formats/affine.h"

namespace quantscope {
namespace {

using nlohmann::json;

struct PackedParts {
  std::span<const std::byte> packed, scales, zeros;
};

class PackedWeight final : public RowSliceWeight {
 public:
  PackedWeight(std::int64_t rows, std::int64_t columns, const WeightFormat& format, const PackedParts& parts)
      : RowSliceWeight(rows, columns, format, 1), parts_(parts) {}

 private:
  void fill(std::int64_t first_row, QuantizedTensor& tensor) const override {
    const int bits = format().code_bits;
    const std::int64_t row_bytes = bit_row_bytes(columns(), bits), words = (columns() * bits + 31) / 32;
    for (std::int64_t row = 0; row < tensor.rows; ++row)
      std::memcpy(tensor.codes.data() + row * row_bytes, parts_.packed.data() + 4 * words * (first_row + row),
                  static_cast<std::size_t>(row_bytes));
    const std::int64_t groups = groups_per_row(format(), columns());
    std::memcpy(tensor.scales.data(), parts_.scales.data() + first_row * groups * scale_bytes(format()),
                tensor.scales.size());
    if (!parts_.zeros.empty()) fill_zeros(first_row, groups, tensor);
  }

  void fill_zeros(std::int64_t first_row, std::int64_t groups, QuantizedTensor& tensor) const {
    const int bits = format().code_bits;
    const std::int64_t per_word = 32 / bits, row_bytes = bit_row_bytes(groups, bits);
    const FileMatrix<std::uint32_t> words(parts_.zeros, groups);
    auto* out = tensor.zeros.as<std::uint8_t>().data();
    for (std::int64_t row = 0; row < tensor.rows; ++row)
      for (std::int64_t group = 0; group < groups; ++group) {
        const std::int64_t n = first_row + row;
        const std::uint32_t word = words.at(n / per_word, group) >> (bits * (n % per_word));
        put_bit_code(out + row * row_bytes, group, bits, static_cast<int>(word & ((1U << bits) - 1U)));
      }
  }

  PackedParts parts_;
};

/// The weights of one entry of config_groups.
struct Scheme {
  std::int64_t bits = 0;
  std::int64_t group_size = -1;  ///< -1: one scale for a row
  std::int64_t tile = 0;         ///< side of the blocks of strategy "block"
};

Result<std::int64_t> field(const QuantizationConfig& config, const json& weights, const char* name,
                           std::int64_t fallback) {
  const auto found = weights.find(name);
  if (found == weights.end() || found->is_null()) return fallback;
  const auto number = whole_number(*found);
  if (!number) return config.damaged("config_groups", fmt::format("has a '{}' that is not a whole number", name));
  return *number;
}

Result<std::int64_t> tile_of(const QuantizationConfig& config, const json& weights) {
  const auto found = weights.find("block_structure");
  if (found == weights.end() || found->is_null()) return 0;
  const auto height = found->is_array() && found->size() == 2 ? whole_number((*found)[0]) : std::nullopt;
  const auto width = height ? whole_number((*found)[1]) : std::nullopt;
  if (!width || *height <= 0 || *height > (1 << 20))
    return config.damaged("config_groups", "has a block_structure that is not a pair of positive whole numbers");
  if (*height != *width) return config.unsupported("config_groups", "has blocks that are not square");
  return *height;
}

Result<Scheme> read_scheme(const QuantizationConfig& config, const json& group) {
  const auto weights = group.is_object() ? group.find("weights") : group.end();
  if (!group.is_object() || weights == group.end() || !weights->is_object())
    return config.damaged("config_groups", "has an entry without weights");
  const auto bits = field(config, *weights, "num_bits", 8), size = field(config, *weights, "group_size", -1),
             tile = tile_of(config, *weights);
  for (const auto* value : {&bits, &size, &tile})
    if (!*value) return tl::unexpected(value->error());
  return Scheme{*bits, *size, *tile};
}

/// The scheme of all weights; several of them are refused.
Result<Scheme> only_scheme(const QuantizationConfig& config) {
  const auto groups = config.fields().find("config_groups");
  if (groups == config.fields().end() || !groups->is_object() || groups->empty())
    return config.damaged("config_groups", "is missing");
  if (groups->size() > 1) return config.unsupported("config_groups", "has several groups of modules, and one is read");
  return read_scheme(config, groups->front());
}

/// Reads one packed weight.
class PackedReader {
 public:
  PackedReader(const FileTensors& tensors, const FileTensor& packed, const Scheme& scheme)
      : tensors_(tensors),
        packed_(packed),
        module_(packed.name.substr(0, packed.name.size() - std::string_view(".weight_packed").size())),
        bits_(static_cast<int>(scheme.bits)),
        group_size_(scheme.group_size) {}

  Result<void> add_to(QuantizedWeights& found) {
    if (auto shape = read_shape(); !shape) return shape;
    if (auto scales = read_scales(); !scales) return scales;
    if (auto zeros = read_zeros(); !zeros) return zeros;
    if (auto index = read_index(); !index) return index;
    parts_.packed = tensors_.bytes(packed_);
    const bool by_row = format_.block_size == columns_;
    const FileTensor* list[] = {&packed_, scales_, shape_, zeros_, index_};
    found.add(module_ + ".weight", {rows_, columns_}, format_,
              fmt::format("compressed-tensors {}-bit {}{}", bits_,
                          by_row ? "by row" : fmt::format("group {}", format_.block_size),
                          zeros_ != nullptr ? ", zero points" : ""),
              list, std::make_shared<PackedWeight>(rows_, columns_, format_, parts_));
    return {};
  }

 private:
  Result<void> read_shape() {
    const auto shape = tensors_.companion(packed_, module_ + ".weight_shape");
    if (!shape) return tl::unexpected(shape.error());
    shape_ = *shape;
    const bool wide = shape_->dtype == "I64";
    const std::int64_t two[] = {2};
    if (auto fits = tensors_.expect(*shape_, wide ? "I64" : "I32", two); !fits) return fits;
    const auto value = [&](std::int64_t i) -> std::int64_t {
      return wide ? FileMatrix<std::int64_t>(tensors_.bytes(*shape_), 2).at(0, i)
                  : FileMatrix<std::int32_t>(tensors_.bytes(*shape_), 2).at(0, i);
    };
    rows_ = value(0);
    columns_ = value(1);
    if (rows_ <= 0 || columns_ <= 0 || columns_ > (std::int64_t{1} << 40))
      return tensors_.damage(*shape_, fmt::format("it says [{}, {}]", rows_, columns_));
    const std::int64_t expected[] = {rows_, (columns_ * bits_ + 31) / 32};
    return tensors_.expect(packed_, "I32", expected);
  }

  Result<void> read_scales() {
    const auto scales = tensors_.companion(packed_, module_ + ".weight_scale");
    if (!scales) return tl::unexpected(scales.error());
    scales_ = *scales;
    const auto type = scale_type_of(scales_->dtype);
    if (!type) return tensors_.damage(*scales_, fmt::format("its dtype {} is not one of scales", scales_->dtype));
    format_ = affine_format(bits_, group_size_ <= 0 ? columns_ : std::min(group_size_, columns_), *type);
    const std::int64_t expected[] = {rows_, groups_per_row(format_, columns_)};
    parts_.scales = tensors_.bytes(*scales_);
    return tensors_.expect(*scales_, scales_->dtype, expected);
  }

  Result<void> read_zeros() {
    zeros_ = tensors_.find(module_ + ".weight_zero_point");
    if (zeros_ == nullptr) return {};
    const std::int64_t expected[] = {(rows_ * bits_ + 31) / 32, groups_per_row(format_, columns_)};
    parts_.zeros = tensors_.bytes(*zeros_);
    format_.zero_point = ZeroPoint::integer;
    return tensors_.expect(*zeros_, "I32", expected);
  }

  Result<void> read_index() {
    index_ = tensors_.find(module_ + ".weight_g_idx");
    if (index_ == nullptr) return {};
    const auto index = read_group_index(tensors_, *index_, columns_, format_.block_size);
    if (!index) return tl::unexpected(index.error());
    if (!index->act_order) return {};
    return tensors_.unsupported(*index_, "reorders the groups (actorder 'group'), which is not read");
  }

  const FileTensors& tensors_;
  const FileTensor& packed_;
  std::string module_;
  int bits_;
  std::int64_t group_size_;
  std::int64_t rows_ = 0, columns_ = 0;
  WeightFormat format_;
  const FileTensor* shape_ = nullptr;
  const FileTensor* scales_ = nullptr;
  const FileTensor* zeros_ = nullptr;
  const FileTensor* index_ = nullptr;
  PackedParts parts_;
};

Result<void> find_packed(const FileTensors& tensors, const QuantizationConfig& config, const Scheme& scheme,
                         QuantizedWeights& found) {
  if (scheme.bits != 4 && scheme.bits != 8)
    return config.unsupported("config_groups", fmt::format("has weights of {} bits; read are 4 and 8", scheme.bits));
  for (const FileTensor& tensor : tensors.all()) {
    if (!tensor.name.ends_with(".weight_packed")) continue;
    PackedReader reader(tensors, tensor, scheme);
    if (auto added = reader.add_to(found); !added) return added;
  }
  return {};
}

Result<void> find_float(const FileTensors& tensors, const Scheme& scheme, QuantizedWeights& found) {
  constexpr std::string_view mark = ".weight_scale";
  for (const FileTensor& tensor : tensors.all()) {
    if (!tensor.name.ends_with(mark)) continue;
    const auto weight = tensors.companion(tensor, tensor.name.substr(0, tensor.name.size() - mark.size()) + ".weight");
    if (!weight) return tl::unexpected(weight.error());
    if (auto added = add_fp8_weight(tensors, {*weight, &tensor}, scheme.tile, "compressed-tensors", found); !added)
      return added;
  }
  return {};
}

}  // namespace

Result<void> find_compressed_tensors_weights(const FileTensors& tensors, const QuantizationConfig& config,
                                             QuantizedWeights& found) {
  const auto format = config.text({"format"}, "");
  if (!format) return tl::unexpected(format.error());
  if (*format != "pack-quantized" && *format != "float-quantized")
    return config.unsupported(
        "format", fmt::format("is '{}', which is not read; read are pack-quantized and float-quantized", *format));
  const auto scheme = only_scheme(config);
  if (!scheme) return tl::unexpected(scheme.error());
  return *format == "pack-quantized" ? find_packed(tensors, config, *scheme, found)
                                     : find_float(tensors, *scheme, found);
}

}  // namespace quantscope
