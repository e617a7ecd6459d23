// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/bit_layout.h"

#include <fmt/format.h>

namespace quantscope {
namespace {

template <class T>
void transpose(const FileMatrix<T>& scales, std::int64_t first_row, QuantizedTensor& tensor) {
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns);
  T* out = tensor.scales.as<T>().data();
  for (std::int64_t group = 0; group < groups; ++group)
    for (std::int64_t row = 0; row < tensor.rows; ++row) out[row * groups + group] = scales.at(group, first_row + row);
}

constexpr std::string_view packed_suffix = ".qweight";

Result<PackedModule> packed_module(const FileTensors& tensors, const FileTensor& qweight) {
  PackedModule module;
  module.name = qweight.name.substr(0, qweight.name.size() - packed_suffix.size());
  module.qweight = &qweight;
  const auto qzeros = tensors.companion(qweight, module.name + ".qzeros"),
             scales = tensors.companion(qweight, module.name + ".scales");
  if (!qzeros) return tl::unexpected(qzeros.error());
  if (!scales) return tl::unexpected(scales.error());
  module.qzeros = *qzeros;
  module.scales = *scales;
  if (qweight.dtype != "I32" || qweight.shape.size() != 2 || qweight.bytes == 0)
    return tensors.damage(qweight, "it is not a matrix of int32");
  const auto scale_type = scale_type_of((*scales)->dtype);
  if (!scale_type) return tensors.damage(**scales, fmt::format("its dtype {} is not one of scales", (*scales)->dtype));
  module.scale_type = *scale_type;
  return module;
}

}  // namespace

Result<void> for_each_packed_module(const FileTensors& tensors,
                                    const std::function<Result<void>(const PackedModule& module)>& add) {
  for (const FileTensor& tensor : tensors.all()) {
    if (!tensor.name.ends_with(packed_suffix)) continue;
    const auto module = packed_module(tensors, tensor);
    if (!module) return tl::unexpected(module.error());
    if (auto added = add(*module); !added) return added;
  }
  return {};
}

std::optional<ScaleType> scale_type_of(std::string_view dtype) {
  if (dtype == "F16") return ScaleType::float16;
  if (dtype == "BF16") return ScaleType::bfloat16;
  if (dtype == "F32") return ScaleType::float32;
  return std::nullopt;
}

void transpose_scales(std::span<const std::byte> scales, std::int64_t scales_columns, std::int64_t first_row,
                      QuantizedTensor& tensor) {
  if (tensor.format.scale_type == ScaleType::float32)
    transpose(FileMatrix<float>(scales, scales_columns), first_row, tensor);
  else
    transpose(FileMatrix<std::uint16_t>(scales, scales_columns), first_row, tensor);
}

std::string_view scale_dtype(ScaleType type) {
  if (type == ScaleType::float32) return "F32";
  return type == ScaleType::float16 ? "F16" : "BF16";
}

std::vector<std::byte> transposed_scales(const QuantizedTensor& tensor) {
  const std::int64_t groups = groups_per_row(tensor.format, tensor.columns), size = scale_bytes(tensor.format);
  std::vector<std::byte> transposed(tensor.scales.size());
  for (std::int64_t row = 0; row < tensor.rows; ++row)
    for (std::int64_t group = 0; group < groups; ++group)
      std::memcpy(transposed.data() + (group * tensor.rows + row) * size,
                  tensor.scales.data() + (row * groups + group) * size, static_cast<std::size_t>(size));
  return transposed;
}

Result<GroupIndex> read_group_index(const FileTensors& tensors, const FileTensor& g_idx, std::int64_t columns,
                                    std::int64_t group_size) {
  const std::int64_t shape[] = {columns};
  if (auto fits = tensors.expect(g_idx, "I32", shape); !fits) return tl::unexpected(std::move(fits.error()));
  GroupIndex index;
  index.elements = tensors.bytes(g_idx);
  const FileMatrix<std::int32_t> elements(index.elements, columns);
  const std::int64_t groups = (columns + group_size - 1) / group_size;
  for (std::int64_t k = 0; k < columns; ++k) {
    const std::int32_t group = elements.at(0, k);
    if (group < 0 || group >= groups)
      return tensors.damage(g_idx, fmt::format("element {} is {}, and there are {} groups", k, group, groups));
    if (group != k / group_size) index.act_order = true;
  }
  return index;
}

void copy_group_index(const GroupIndex& index, QuantizedTensor& tensor) {
  if (tensor.format.group_index)
    std::memcpy(tensor.group_index.data(), index.elements.data(), tensor.group_index.size());
}

}  // namespace quantscope
