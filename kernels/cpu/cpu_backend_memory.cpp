// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_backend_impl.h"
#include "kernels/cpu/cpu_buffer.h"
#include "kernels/cpu/cpu_weight.h"
#include "kernels/cpu/kv_storage.h"
#include "kernels/cpu/tensor_statistics.h"
#include "kernels/memory_checks.h"

/// The operations of CpuBackend that place and move data.
namespace quantscope {
namespace {
Result<TaggedBuffer> copy(MemoryLedger& ledger, MemoryTag tag, const TaggedBuffer& source) {
  auto buffer = TaggedBuffer::allocate(ledger, tag, source.size());
  if (buffer && source.size() > 0) std::memcpy(buffer->data(), source.data(), source.size());
  return buffer;
}
}  // namespace

Result<std::unique_ptr<Weight>> CpuBackend::quantize(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                     const WeightFormat& format, MemoryTag tag) {
  const QuantizeRequest request{rows, columns, format, tag, encode_level_};
  auto tensor = quantize_matrix(source, request, ledger(), parallel_for(), context_.stop_token());
  if (!tensor) return tl::unexpected(tensor.error());
  return std::make_unique<CpuWeight>(std::move(*tensor));
}

Result<std::unique_ptr<Weight>> CpuBackend::upload(QuantizedTensor tensor) {
  if (tensor.input_scale.size() > 0)
    return fail(ErrorCode::unsupported, "Input scales cannot be computed with; fold them into the producers.");
  if (tensor.format.scale_layout == ScaleLayout::row_groups && tensor.format.levels != Levels::affine)
    return fail(ErrorCode::unsupported, "Groups along K need affine levels; decode the tensor to BF16.");
  if (auto valid = check_parts(tensor); !valid) return tl::unexpected(valid.error());
  return std::make_unique<CpuWeight>(std::move(tensor));
}

Result<QuantizedTensor> CpuBackend::download(const Weight& weight) {
  const QuantizedTensor& source = as_cpu(weight).tensor();
  QuantizedTensor tensor;
  tensor.rows = source.rows;
  tensor.columns = source.columns;
  tensor.format = source.format;
  struct Part {
    const TaggedBuffer& from;
    TaggedBuffer& to;
    MemoryTag tag;
  };
  const Part parts[] = {{source.codes, tensor.codes, MemoryTag::codes},
                        {source.scales, tensor.scales, MemoryTag::scales},
                        {source.nested_absmax, tensor.nested_absmax, MemoryTag::scales},
                        {source.zeros, tensor.zeros, MemoryTag::scales},
                        {source.group_index, tensor.group_index, MemoryTag::scales},
                        {source.input_scale, tensor.input_scale, MemoryTag::scales}};
  for (const Part& part : parts) {
    auto copied = copy(ledger(), part.tag, part.from);
    if (!copied) return tl::unexpected(copied.error());
    part.to = std::move(*copied);
  }
  return tensor;
}

Result<void> CpuBackend::decode(const Weight& weight, std::int64_t first_row, std::int64_t row_count,
                                std::span<float> values) {
  if (auto valid = check_decode(weight, first_row, row_count, values.size()); !valid) return valid;
  const CpuWeight& source = as_cpu(weight);
  return context_.for_each(row_count, [&](std::int64_t row, int) {
    source.decode(
        first_row + row, 1,
        values.subspan(static_cast<std::size_t>(row * weight.columns), static_cast<std::size_t>(weight.columns)));
  });
}

ParallelFor CpuBackend::parallel_for() {
  return [this](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    context_.pool().parallel_for(count, [&](std::int64_t index, int) { body(index); });
  };
}

Result<TensorStatistics> CpuBackend::statistics(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                                HistogramBins bins) {
  return tensor_statistics(source, rows, columns, bins, ledger(), parallel_for(), context_.stop_token());
}

Result<std::unique_ptr<Buffer>> CpuBackend::create_buffer(std::int64_t row_capacity, std::int64_t columns) {
  auto buffer = CpuBuffer::create(ledger(), row_capacity, columns);
  if (!buffer) return tl::unexpected(buffer.error());
  return std::move(*buffer);
}

Result<void> CpuBackend::read(const Buffer& buffer, std::int64_t rows, std::span<float> values) {
  if (auto valid = check_copy(buffer, rows, values.size()); !valid) return valid;
  std::copy_n(values_of(buffer), values.size(), values.data());
  return {};
}

Result<void> CpuBackend::write(Buffer& buffer, std::int64_t rows, std::span<const float> values) {
  if (auto valid = check_copy(buffer, rows, values.size()); !valid) return valid;
  std::copy_n(values.data(), values.size(), values_of(buffer));
  return {};
}

Result<std::unique_ptr<KvStorage>> CpuBackend::create_kv(const KvShape& shape) {
  auto storage = CpuKvStorage::create(ledger(), shape);
  if (!storage) return tl::unexpected(storage.error());
  return std::move(*storage);
}

Result<void> CpuBackend::copy_kv_page(KvStorage& storage, std::int32_t from, std::int32_t to) {
  if (auto valid = check_page_copy(storage.shape, from, to); !valid) return valid;
  static_cast<CpuKvStorage&>(storage).copy_page(from, to);
  return {};
}

}  // namespace quantscope
