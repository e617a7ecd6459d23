// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/fp8_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <optional>

#include "core/checkpoint/bit_layout.h"
#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

class Fp8Weight final : public RowSliceWeight {
 public:
  Fp8Weight(std::int64_t rows, std::int64_t columns, const WeightFormat& format, std::span<const std::byte> codes,
            std::span<const std::byte> scales)
      : RowSliceWeight(rows, columns, format, format.scale_layout == ScaleLayout::tiles ? format.block_size : 1),
        codes_(codes),
        scales_(scales) {}

 private:
  void fill(std::int64_t first_row, QuantizedTensor& tensor) const override {
    std::memcpy(tensor.codes.data(), codes_.data() + first_row * columns(), tensor.codes.size());
    std::int64_t first_scale = 0;
    if (format().scale_layout == ScaleLayout::per_row) first_scale = first_row;
    if (format().scale_layout == ScaleLayout::tiles)
      first_scale = first_row / format().block_size * groups_per_row(format(), columns());
    std::memcpy(tensor.scales.data(), scales_.data() + first_scale * scale_bytes(format()), tensor.scales.size());
  }

  std::span<const std::byte> codes_, scales_;
};

/// What shares a scale; nothing if the shape of the scales fits none.
std::optional<ScaleLayout> scale_layout(const FileTensor& weight, const FileTensor& scale, std::int64_t tile) {
  const std::vector<std::int64_t>& shape = scale.shape;
  const std::int64_t rows = weight.shape[0], columns = weight.shape[1];
  if (tile > 0) {
    const bool fits = shape.size() == 2 && shape[0] == (rows - 1) / tile + 1 && shape[1] == (columns - 1) / tile + 1;
    return fits ? std::optional(ScaleLayout::tiles) : std::nullopt;
  }
  if (shape.empty() || (shape.size() == 1 && shape[0] == 1)) return ScaleLayout::whole;
  const bool by_row = shape[0] == rows && (shape.size() == 1 || (shape.size() == 2 && shape[1] == 1));
  return by_row ? std::optional(ScaleLayout::per_row) : std::nullopt;
}

std::string scale_text(const WeightFormat& format) {
  if (format.scale_layout == ScaleLayout::tiles) return fmt::format("{0}x{0} tiles", format.block_size);
  return format.scale_layout == ScaleLayout::per_row ? "by row" : "by matrix";
}

/// The side of weight_block_size, 0 where there is none.
Result<std::int64_t> tile_of(const QuantizationConfig& config) {
  const auto found = config.fields().find("weight_block_size");
  if (found == config.fields().end() || found->is_null()) return 0;
  if (!found->is_array() || found->size() != 2) return config.damaged("weight_block_size", "is not a pair");
  const auto height = whole_number((*found)[0]), width = whole_number((*found)[1]);
  if (!height || !width || *height <= 0 || *width <= 0 || *height > (1 << 20))
    return config.damaged("weight_block_size", "is not made of positive whole numbers");
  if (*height != *width)
    return config.unsupported("weight_block_size", fmt::format("is {} x {}; only squares are read", *height, *width));
  return *height;
}

}  // namespace

Result<void> add_fp8_weight(const FileTensors& tensors, const Fp8Parts& parts, std::int64_t tile,
                            std::string_view layout, QuantizedWeights& found) {
  const FileTensor& weight = *parts.weight;
  if (weight.dtype != "F8_E4M3")
    return tensors.unsupported(weight, fmt::format("is stored as {}, not F8_E4M3", weight.dtype));
  if (weight.shape.size() != 2 || weight.bytes == 0) return tensors.damage(weight, "it is not a matrix");
  const auto scale_type = scale_type_of(parts.scale->dtype);
  if (!scale_type)
    return tensors.damage(*parts.scale, fmt::format("its dtype {} is not one of scales", parts.scale->dtype));
  const auto shared = scale_layout(weight, *parts.scale, tile);
  if (!shared)
    return tensors.damage(*parts.scale,
                          fmt::format("its shape [{}] fits neither rows nor tiles of a weight [{}]",
                                      fmt::join(parts.scale->shape, ", "), fmt::join(weight.shape, ", ")));
  WeightFormat format;
  format.code_type = CodeType::float8_e4m3;
  format.scale_layout = *shared;
  format.block_size = *shared == ScaleLayout::tiles ? tile : 0;
  format.scale_type = *scale_type;
  const FileTensor* list[] = {parts.weight, parts.scale};
  found.add(weight.name, weight.shape, format, fmt::format("{} FP8 {}", layout, scale_text(format)), list,
            std::make_shared<Fp8Weight>(weight.shape[0], weight.shape[1], format, tensors.bytes(weight),
                                        tensors.bytes(*parts.scale)));
  return {};
}

Result<void> find_fp8_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found) {
  const auto tile = tile_of(config);
  if (!tile) return tl::unexpected(tile.error());
  constexpr std::string_view mark = ".weight_scale_inv";
  for (const FileTensor& tensor : tensors.all()) {
    if (!tensor.name.ends_with(mark)) continue;
    const auto weight = tensors.companion(tensor, tensor.name.substr(0, tensor.name.size() - mark.size()) + ".weight");
    if (!weight) return tl::unexpected(weight.error());
    if (auto added = add_fp8_weight(tensors, {*weight, &tensor}, *tile, "fp8:", found); !added) return added;
  }
  return {};
}

}  // namespace quantscope
