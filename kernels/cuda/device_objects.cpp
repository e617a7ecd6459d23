// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/device_objects.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/cuda/decode_kernels.h"
#include "kernels/memory_checks.h"

namespace quantscope::cuda {
namespace {
/// Whether quantize_kernels.h encodes it.
bool is_encoded(const WeightFormat& format) {
  if (format.zero_point != ZeroPoint::none || format.group_index) return false;
  if (format.nested_scales && format.scale_layout != ScaleLayout::flat_blocks) return false;
  switch (format.scale_layout) {
    case ScaleLayout::none: return format.levels == Levels::identity && format.code_type <= CodeType::bfloat16;
    case ScaleLayout::per_row: return format.levels == Levels::int8 && format.code_type == CodeType::signed8;
    case ScaleLayout::flat_blocks:
      return format.code_type == CodeType::packed4 && format.block_size > 0 && format.block_size % 2 == 0 &&
             (format.levels == Levels::nf4 || format.levels == Levels::fp4 || format.levels == Levels::int4);
    case ScaleLayout::row_groups:
    case ScaleLayout::whole:
    case ScaleLayout::tiles: break;
  }
  return false;
}

bool is_affine(const WeightFormat& format) {
  const bool bits_known =
      format.code_bits == 2 || format.code_bits == 3 || format.code_bits == 4 || format.code_bits == 8;
  return format.levels == Levels::affine && format.scale_layout == ScaleLayout::row_groups && format.block_size > 0 &&
         bits_known;
}

bool is_fp8(const WeightFormat& format) {
  const bool tiled = format.scale_layout == ScaleLayout::tiles && format.block_size > 0;
  return format.levels == Levels::identity &&
         (tiled || format.scale_layout == ScaleLayout::per_row || format.scale_layout == ScaleLayout::whole);
}

/// How GGUF's types without blocks are read.
CodeType viewed_code_type(const WeightFormat& format) {
  if (format.code_type != CodeType::ggml_blocks) return format.code_type;
  if (format.ggml_type == GgmlType::f32) return CodeType::float32;
  if (format.ggml_type == GgmlType::f16) return CodeType::float16;
  return format.ggml_type == GgmlType::bf16 ? CodeType::bfloat16 : CodeType::ggml_blocks;
}

void show_groups(const WeightFormat& format, WeightView& view) {
  const bool tiled = format.scale_layout == ScaleLayout::tiles;
  const bool grouped = tiled || format.scale_layout == ScaleLayout::row_groups;
  view.scale_type = format.scale_type;
  view.scale_rows = tiled ? format.block_size : format.scale_layout == ScaleLayout::whole ? view.rows : 1;
  view.scale_columns = grouped ? format.block_size : view.columns;
  view.scales_per_row = grouped ? groups_per_row(format, view.columns) : 1;
  view.columns_in_order = !format.group_index;
  view.zero_point = format.zero_point;
  view.code_bits = format.code_bits;
  view.code_row_bytes = bit_row_bytes(view.columns, format.code_bits);
  view.zero_row_bytes = bit_row_bytes(view.scales_per_row, format.code_bits);
}
}  // namespace

bool knows_format(const WeightFormat& format) {
  const bool plain = format.zero_point == ZeroPoint::none && !format.group_index && !format.nested_scales;
  switch (format.code_type) {
    case CodeType::float32:
    case CodeType::float16:
    case CodeType::bfloat16:
    case CodeType::signed8:
    case CodeType::packed4: return is_encoded(format);
    case CodeType::unsigned_bits: return !format.nested_scales && is_affine(format);
    case CodeType::float8_e4m3: return plain && is_fp8(format);
    case CodeType::ggml_blocks: return plain && format.scale_layout == ScaleLayout::none;
  }
  return false;
}

WeightView view_of_shape(const WeightFormat& format, std::int64_t rows, std::int64_t columns) {
  const bool blocked = format.scale_layout == ScaleLayout::flat_blocks;
  const bool per_row = format.scale_layout == ScaleLayout::per_row;
  WeightView view;
  view.rows = rows;
  view.columns = columns;
  view.values_per_scale = blocked ? format.block_size : per_row ? columns : 0;
  view.code_type = viewed_code_type(format);
  view.levels = format.levels;
  view.ggml_type = format.ggml_type;
  if (format.code_type == CodeType::unsigned_bits || format.code_type == CodeType::float8_e4m3)
    show_groups(format, view);
  return view;
}

Result<DynamicTables> DynamicTables::create(Device& device) {
  std::array<float, std::size_t{2} * dynamic_map_size> values{};
  std::ranges::copy(dynamic_map.values, values.begin());
  std::ranges::copy(dynamic_thresholds.values, values.begin() + dynamic_map_size);
  static_assert(sizeof values == bytes);
  auto memory = DeviceMemory::allocate(device, MemoryTag::workspace, bytes);
  if (!memory) return tl::unexpected(memory.error());
  auto done = device.finish(device.upload(memory->data<float>(), values.data(), sizeof values), "starting");
  if (!done) return tl::unexpected(done.error());
  DynamicTables tables;
  tables.memory_ = std::move(*memory);
  return tables;
}

Result<std::unique_ptr<CudaWeight>> CudaWeight::create(Device& device, const DynamicTables& tables, std::int64_t rows,
                                                       std::int64_t columns, const WeightFormat& format,
                                                       MemoryTag tag) {
  if (!is_encoded(format)) {
    return fail(
        ErrorCode::unsupported,
        "The CUDA device quantizes to dense types, 4-bit blocks of even size and INT8 rows; choose one of these.");
  }
  const FormatBytes bytes = format_bytes(format, rows, columns);
  const std::int64_t count = scale_count(format, rows, columns);
  const std::int64_t first_level = format.nested_scales ? count : 4 * count;
  auto weight = std::make_unique<CudaWeight>();
  weight->rows = rows;
  weight->columns = columns;
  weight->format = format;
  struct Part {
    DeviceMemory& memory;
    MemoryTag tag;
    std::int64_t bytes;
  };
  const Part parts[] = {{weight->codes_, tag, bytes.codes},
                        {weight->scales_, MemoryTag::scales, first_level},
                        {weight->nested_absmax_, MemoryTag::scales, bytes.scales - first_level}};
  for (const Part& part : parts) {
    auto memory = DeviceMemory::allocate(device, part.tag, static_cast<std::size_t>(part.bytes));
    if (!memory) return tl::unexpected(memory.error());
    part.memory = std::move(*memory);
  }
  weight->make_view(tables);
  return weight;
}

Result<std::unique_ptr<CudaWeight>> CudaWeight::upload(Device& device, const DynamicTables& tables,
                                                       const QuantizedTensor& tensor) {
  if (auto valid = check_parts(tensor); !valid) return tl::unexpected(valid.error());
  if (!knows_format(tensor.format)) {
    return fail(ErrorCode::unsupported, "The CUDA device has no kernels for this format of weights; use the CPU.");
  }
  if (tensor.input_scale.size() > 0) {
    return fail(ErrorCode::unsupported, "Input scales cannot be computed with; fold them into the producers.");
  }
  auto weight = std::make_unique<CudaWeight>();
  weight->rows = tensor.rows;
  weight->columns = tensor.columns;
  weight->format = tensor.format;
  const std::pair<DeviceMemory&, const TaggedBuffer&> parts[] = {{weight->codes_, tensor.codes},
                                                                 {weight->scales_, tensor.scales},
                                                                 {weight->nested_absmax_, tensor.nested_absmax},
                                                                 {weight->zeros_, tensor.zeros},
                                                                 {weight->group_index_, tensor.group_index}};
  for (const auto& [memory, source] : parts) {
    auto copy = DeviceMemory::copy_of(device, source);
    if (!copy) return tl::unexpected(copy.error());
    memory = std::move(*copy);
  }
  if (auto done = device.finish("copying a weight to the GPU"); !done) return tl::unexpected(done.error());
  weight->make_view(tables);
  return weight;
}

Result<void> CudaWeight::decode_vector(Device& device) {
  if (rows != 1) return {};
  auto memory = DeviceMemory::allocate(device, MemoryTag::workspace, 4 * static_cast<std::size_t>(columns));
  if (!memory) return tl::unexpected(memory.error());
  vector_ = std::move(*memory);
  const RowsArguments all{view_, nullptr, 0, 1, ComputeType::fp32, false, vector_.data<float>()};
  return device.finish(decode_rows(device.stream(), all), "decoding a weight");
}

Result<QuantizedTensor> CudaWeight::download(Device& device) const {
  auto tensor = QuantizedTensor::allocate(device.host_ledger(), rows, columns, format, codes_.tag());
  if (!tensor) return tensor;
  const std::pair<const DeviceMemory&, TaggedBuffer&> parts[] = {{codes_, tensor->codes},
                                                                 {scales_, tensor->scales},
                                                                 {nested_absmax_, tensor->nested_absmax},
                                                                 {zeros_, tensor->zeros},
                                                                 {group_index_, tensor->group_index}};
  cudaError_t status = cudaSuccess;
  for (const auto& [memory, target] : parts) {
    if (status == cudaSuccess) status = device.download(target.data(), memory.data<std::byte>(), memory.size());
  }
  if (auto done = device.finish(status, "copying a weight from the GPU"); !done) return tl::unexpected(done.error());
  return tensor;
}

void CudaWeight::make_view(const DynamicTables& tables) {
  view_ = view_of_shape(format, rows, columns);
  view_.codes = codes_.data<std::byte>();
  view_.scales = scales_.data<std::byte>();
  view_.nested_absmax = format.nested_scales ? nested_absmax_.data<float>() : nullptr;
  view_.dynamic_levels = tables.levels();
  view_.nested_blocks = static_cast<std::int64_t>(nested_absmax_.size() / sizeof(float)) - 1;
  view_.group_index = group_index_.data<std::int32_t>();
  view_.zeros = zeros_.data<std::byte>();
}

Result<std::unique_ptr<CudaBuffer>> CudaBuffer::create(Device& device, std::int64_t row_capacity,
                                                       std::int64_t columns) {
  const auto bytes = buffer_bytes(row_capacity, columns);
  if (!bytes) return tl::unexpected(bytes.error());
  auto memory = DeviceMemory::allocate(device, MemoryTag::workspace, static_cast<std::size_t>(*bytes));
  if (!memory) return tl::unexpected(memory.error());
  auto buffer = std::make_unique<CudaBuffer>();
  buffer->row_capacity = row_capacity;
  buffer->columns = columns;
  buffer->memory_ = std::move(*memory);
  return buffer;
}

Result<std::unique_ptr<CudaKvStorage>> CudaKvStorage::create(Device& device, const KvShape& shape) {
  if (auto valid = check_kv_shape(shape); !valid) return tl::unexpected(valid.error());
  auto memory = DeviceMemory::allocate(device, MemoryTag::kv_cache, static_cast<std::size_t>(shape.bytes()));
  if (!memory) return tl::unexpected(memory.error());
  auto storage = std::make_unique<CudaKvStorage>();
  storage->shape = shape;
  storage->memory_ = std::move(*memory);
  return storage;
}

KvView CudaKvStorage::view() const {
  return {const_cast<std::byte*>(memory_.data<std::byte>()),
          shape.pages,
          shape.kv_heads,
          shape.head_dim,
          shape.page_tokens,
          shape.type};
}

cudaError_t CudaKvStorage::copy_page(Device& device, std::int32_t from, std::int32_t to) {
  const std::int64_t page_bytes = shape.bytes() / (shape.layers * shape.pages);
  cudaError_t status = cudaSuccess;
  for (std::int64_t layer = 0; layer < shape.layers && status == cudaSuccess; ++layer) {
    std::byte* const pages = memory_.data<std::byte>() + layer * shape.pages * page_bytes;
    status = cudaMemcpyAsync(pages + to * page_bytes, pages + from * page_bytes, static_cast<std::size_t>(page_bytes),
                             cudaMemcpyDeviceToDevice, device.stream());
  }
  return status;
}

}  // namespace quantscope::cuda
