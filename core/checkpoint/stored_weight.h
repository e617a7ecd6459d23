// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/file_tensor.h"
#include "kernels/quantized_tensor.h"

namespace quantscope {

/// A quantized weight as a checkpoint keeps it, in one tensor or several, whose lengths were checked when it was made.
/// Reads mapped bytes; whoever calls checks first that none of its files was cut.
class StoredWeight {
 public:
  virtual ~StoredWeight() = default;

  /// Codes and scales as stored, in the packing of QuantizedTensor.
  virtual Result<QuantizedTensor> read(MemoryLedger& ledger, MemoryTag codes_tag) const = 0;
  /// Decoded fp32 values of these rows; `values` holds row_count * columns.
  virtual Result<void> decode_rows(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const = 0;
};

/// A weight whose rows can be read without the others, but for `row_alignment` of them that share scales.
class RowSliceWeight : public StoredWeight {
 public:
  Result<QuantizedTensor> read(MemoryLedger& ledger, MemoryTag codes_tag) const final;
  Result<void> decode_rows(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const final;

 protected:
  RowSliceWeight(std::int64_t rows, std::int64_t columns, WeightFormat format, std::int64_t row_alignment)
      : rows_(rows), columns_(columns), format_(format), row_alignment_(row_alignment) {}

  /// Fills a tensor of rows [first_row, first_row + tensor.rows), allocated and zeroed. first_row is a multiple of
  /// row_alignment.
  virtual void fill(std::int64_t first_row, QuantizedTensor& tensor) const = 0;

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  const WeightFormat& format() const { return format_; }

 private:
  std::int64_t rows_, columns_;
  WeightFormat format_;
  std::int64_t row_alignment_;
};

/// What a layout's reader found in the tensors of a checkpoint.
struct QuantizedWeights {
  struct Weight {
    TensorInfo info;
    std::shared_ptr<const StoredWeight> stored;
    std::vector<std::size_t> files;  ///< that it lies in
  };
  std::vector<Weight> weights;
  std::unordered_set<std::string> used;  ///< names of the file tensors that the weights consist of

  /// Enters a weight [rows, columns] that consists of these file tensors, the first of which gives offset and file.
  void add(std::string name, std::vector<std::int64_t> shape, const WeightFormat& format, std::string layout,
           std::span<const FileTensor* const> parts, std::shared_ptr<const StoredWeight> stored);
};

}  // namespace quantscope
