// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/awq_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/checkpoint/bit_layout.h"
#include "kernels/formats/affine.h"

namespace quantscope {
namespace {

constexpr int bits = 4;

struct Parts {
  std::span<const std::byte> qweight, qzeros, scales;
};

int gemm_code(const FileMatrix<std::uint32_t>& words, std::int64_t row, std::int64_t column) {
  return static_cast<int>((words.at(row, column / 8) >> (4 * awq_nibbles[column % 8])) & 15U);
}

class AwqGemmWeight final : public RowSliceWeight {
 public:
  AwqGemmWeight(std::int64_t rows, std::int64_t columns, const WeightFormat& format, const Parts& parts)
      : RowSliceWeight(rows, columns, format, 1), parts_(parts) {}

 private:
  void fill(std::int64_t first_row, QuantizedTensor& tensor) const override {
    const FileMatrix<std::uint32_t> codes(parts_.qweight, rows() / 8), zeros(parts_.qzeros, rows() / 8);
    transpose_codes(codes, columns(), first_row, tensor, tensor.codes);
    transpose_codes(zeros, groups_per_row(format(), columns()), first_row, tensor, tensor.zeros);
    transpose_scales(parts_.scales, rows(), first_row, tensor);
  }

  /// [count, N] in the file to rows of `count` codes.
  static void transpose_codes(const FileMatrix<std::uint32_t>& from, std::int64_t count, std::int64_t first_row,
                              const QuantizedTensor& tensor, TaggedBuffer& to) {
    const std::int64_t row_bytes = bit_row_bytes(count, bits);
    auto* out = to.as<std::uint8_t>().data();
    // Eight rows at a time come from the same words.
    for (std::int64_t row = 0; row < tensor.rows;) {
      const std::int64_t part = std::min(tensor.rows - row, 8 - (first_row + row) % 8);
      for (std::int64_t k = 0; k < count; ++k)
        for (std::int64_t i = row; i < row + part; ++i)
          put_bit_code(out + i * row_bytes, k, bits, gemm_code(from, k, first_row + i));
      row += part;
    }
  }

  Parts parts_;
};

class AwqGemvWeight final : public RowSliceWeight {
 public:
  AwqGemvWeight(std::int64_t rows, std::int64_t columns, const WeightFormat& format, std::int64_t zero_words,
                const Parts& parts)
      : RowSliceWeight(rows, columns, format, 1), zero_words_(zero_words), parts_(parts) {}

 private:
  void fill(std::int64_t first_row, QuantizedTensor& tensor) const override {
    const std::int64_t groups = groups_per_row(format(), columns());
    copy_rows(parts_.qweight, columns() / 2, first_row, tensor.rows, columns() / 2, tensor.codes);
    copy_rows(parts_.qzeros, 4 * zero_words_, first_row, tensor.rows, bit_row_bytes(groups, bits), tensor.zeros);
    const std::int64_t size = scale_bytes(format());
    copy_rows(parts_.scales, 8 * zero_words_ * size, first_row, tensor.rows, groups * size, tensor.scales);
    // A last byte that holds one zero point only has padding above it in the file.
    if (groups % 2 == 0) return;
    const std::int64_t row_bytes = bit_row_bytes(groups, bits);
    for (std::int64_t row = 1; row <= tensor.rows; ++row) tensor.zeros.data()[row * row_bytes - 1] &= std::byte{15};
  }

  static void copy_rows(std::span<const std::byte> from, std::int64_t stride, std::int64_t first_row,
                        std::int64_t count, std::int64_t row_bytes, TaggedBuffer& to) {
    for (std::int64_t row = 0; row < count; ++row)
      std::memcpy(to.data() + row * row_bytes, from.data() + (first_row + row) * stride,
                  static_cast<std::size_t>(row_bytes));
  }

  std::int64_t zero_words_;
  Parts parts_;
};

enum class Version : std::uint8_t { gemm, gemv };

struct Settings {
  Version version = Version::gemm;
  std::int64_t group_size = 128;  ///< -1: one group
};

Result<Settings> read_settings(const QuantizationConfig& config) {
  const auto width = config.integer({"bits", "w_bit"}, std::nullopt);
  if (!width) return tl::unexpected(width.error());
  if (*width != bits) return config.unsupported("bits", fmt::format("is {}; AWQ is read in 4 bits", *width));
  const auto group = config.integer({"group_size", "q_group_size"}, 128);
  if (!group) return tl::unexpected(group.error());
  if (*group != -1 && *group <= 0) return config.damaged("group_size", "is neither positive nor -1");
  auto version = config.text({"version"}, "gemm");
  if (!version) return tl::unexpected(version.error());
  std::ranges::transform(*version, version->begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (*version == "gemm") return Settings{Version::gemm, *group};
  if (*version == "gemv") return Settings{Version::gemv, *group};
  return config.unsupported("version", fmt::format("is '{}', which is not read; read are gemm and gemv", *version));
}

/// One weight on its way in.
struct Found {
  PackedModule module;
  WeightFormat format;
};

Result<void> enter(const FileTensors& tensors, const Found& weight, std::int64_t rows, std::int64_t columns,
                   const Settings& settings, QuantizedWeights& found) {
  const Parts parts{tensors.bytes(*weight.module.qweight), tensors.bytes(*weight.module.qzeros),
                    tensors.bytes(*weight.module.scales)};
  std::shared_ptr<const StoredWeight> stored;
  if (settings.version == Version::gemm)
    stored = std::make_shared<AwqGemmWeight>(rows, columns, weight.format, parts);
  else
    stored = std::make_shared<AwqGemvWeight>(rows, columns, weight.format, weight.module.qzeros->shape[1], parts);
  const FileTensor* list[] = {weight.module.qweight, weight.module.qzeros, weight.module.scales};
  const std::string group = settings.group_size == -1 ? "one group" : fmt::format("group {}", settings.group_size);
  found.add(weight.module.name + ".weight", {rows, columns}, weight.format,
            fmt::format("AWQ 4-bit {}, {}", group, settings.version == Version::gemm ? "gemm" : "gemv"), list,
            std::move(stored));
  return {};
}

tl::unexpected<Error> uneven(const FileTensors& tensors, const FileTensor& qweight, std::int64_t columns,
                             std::int64_t group) {
  return tensors.damage(qweight, fmt::format("its {} inputs are no multiple of the group size {}", columns, group));
}

Result<void> add_gemm(const FileTensors& tensors, Found weight, const Settings& settings, QuantizedWeights& found) {
  const std::int64_t columns = weight.module.qweight->shape[0], rows = 8 * weight.module.qweight->shape[1];
  const std::int64_t group = settings.group_size == -1 ? columns : std::min(settings.group_size, columns);
  if (columns % group != 0) return uneven(tensors, *weight.module.qweight, columns, group);
  const std::int64_t groups = columns / group;
  const std::int64_t zeros_shape[] = {groups, rows / 8}, scales_shape[] = {groups, rows};
  if (auto fits = tensors.expect(*weight.module.qzeros, "I32", zeros_shape); !fits) return fits;
  if (auto fits = tensors.expect(*weight.module.scales, weight.module.scales->dtype, scales_shape); !fits) return fits;
  weight.format.block_size = group;
  return enter(tensors, weight, rows, columns, settings, found);
}

Result<void> add_gemv(const FileTensors& tensors, Found weight, const Settings& settings, QuantizedWeights& found) {
  const std::int64_t rows = weight.module.qweight->shape[0], columns = 8 * weight.module.qweight->shape[1];
  const std::int64_t group = settings.group_size == -1 ? columns : std::min(settings.group_size, columns);
  if (columns % group != 0) return uneven(tensors, *weight.module.qweight, columns, group);
  const std::int64_t groups = columns / group;
  if (weight.module.qzeros->dtype != "I32" || weight.module.qzeros->shape.size() != 2 ||
      weight.module.qzeros->shape[0] != rows || weight.module.qzeros->shape[1] > columns ||
      8 * weight.module.qzeros->shape[1] < groups)
    return tensors.damage(*weight.module.qzeros,
                          fmt::format("it is no matrix of int32 with {} rows of {} zero points or more", rows, groups));
  const std::int64_t scales_shape[] = {rows, 8 * weight.module.qzeros->shape[1]};
  if (auto fits = tensors.expect(*weight.module.scales, weight.module.scales->dtype, scales_shape); !fits) return fits;
  weight.format.block_size = group;
  return enter(tensors, weight, rows, columns, settings, found);
}

Result<void> add_weight(const FileTensors& tensors, const PackedModule& module, const Settings& settings,
                        QuantizedWeights& found) {
  Found weight{module, affine_format(bits, 0, module.scale_type)};
  weight.format.zero_point = ZeroPoint::integer;
  return settings.version == Version::gemm ? add_gemm(tensors, std::move(weight), settings, found)
                                           : add_gemv(tensors, std::move(weight), settings, found);
}

}  // namespace

Result<void> find_awq_weights(const FileTensors& tensors, const QuantizationConfig& config, QuantizedWeights& found) {
  const auto settings = read_settings(config);
  if (!settings) return tl::unexpected(settings.error());
  return for_each_packed_module(
      tensors, [&](const PackedModule& module) { return add_weight(tensors, module, *settings, found); });
}

}  // namespace quantscope
