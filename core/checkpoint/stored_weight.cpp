// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/stored_weight.h"

#include <algorithm>

#include "kernels/row_decoder.h"

namespace quantscope {

Result<QuantizedTensor> RowSliceWeight::read(MemoryLedger& ledger, MemoryTag codes_tag) const {
  auto tensor = QuantizedTensor::allocate(ledger, rows_, columns_, format_, codes_tag);
  if (tensor) fill(0, *tensor);
  return tensor;
}

Result<void> RowSliceWeight::decode_rows(std::int64_t first_row, std::int64_t row_count,
                                         std::span<float> values) const {
  if (row_count == 0) return {};
  MemoryLedger scratch;
  const std::int64_t begin = first_row / row_alignment_ * row_alignment_;
  auto slice =
      QuantizedTensor::allocate(scratch, first_row + row_count - begin, columns_, format_, MemoryTag::workspace);
  if (!slice) return tl::unexpected(std::move(slice.error()));
  fill(begin, *slice);
  quantscope::decode_rows(*slice, first_row - begin, row_count, values);
  return {};
}

void QuantizedWeights::add(std::string name, std::vector<std::int64_t> shape, const WeightFormat& format,
                           std::string layout, std::span<const FileTensor* const> parts,
                           std::shared_ptr<const StoredWeight> stored) {
  Weight weight;
  weight.info.name = std::move(name);
  weight.info.stored_name = parts.front()->name;
  weight.info.shape = std::move(shape);
  weight.info.quantized = format;
  weight.info.layout = std::move(layout);
  weight.info.offset = parts.front()->offset;
  weight.info.file = parts.front()->file;
  for (const FileTensor* part : parts) {
    if (part == nullptr) continue;
    weight.info.bytes += part->bytes;
    used.insert(part->name);
    if (std::ranges::find(weight.files, part->file) == weight.files.end()) weight.files.push_back(part->file);
  }
  weight.stored = std::move(stored);
  weights.push_back(std::move(weight));
}

}  // namespace quantscope
