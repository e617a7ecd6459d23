// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "kernels/error.h"
#include "kernels/formats/data_type.h"

namespace quantscope {

/// Reads consecutive rows of a source matrix. Called on the thread that calls the backend.
class RowReader {
 public:
  /// Fills `values` [row_count, columns] with decoded fp32 rows.
  using Values = std::function<Result<void>(std::int64_t first_row, std::int64_t row_count, std::span<float> values)>;
  /// Fills `bytes` with rows in the type in which they are stored.
  using Stored =
      std::function<Result<void>(std::int64_t first_row, std::int64_t row_count, std::span<std::byte> bytes)>;

  /// A source that is only known decoded.
  template <class Read>
  requires(!std::same_as<Read, RowReader> && std::constructible_from<Values, Read>) RowReader(Read values)
      : values_(std::move(values)) {}
  /// A source whose rows are also to be had as they are stored, in fp16 or bf16.
  RowReader(Values values, DataType type, Stored stored)
      : values_(std::move(values)), stored_(std::move(stored)), stored_type_(type) {}

  Result<void> operator()(std::int64_t first_row, std::int64_t row_count, std::span<float> values) const {
    return values_(first_row, row_count, values);
  }
  /// What read_stored() gives: fp32, fp16 or bf16.
  DataType stored_type() const { return stored_type_; }
  /// `bytes` holds [row_count, columns] values of stored_type() and is aligned for them.
  Result<void> read_stored(std::int64_t first_row, std::int64_t row_count, std::span<std::byte> bytes) const {
    if (stored_) return stored_(first_row, row_count, bytes);
    return values_(first_row, row_count, {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)});
  }

 private:
  Values values_;
  Stored stored_;
  DataType stored_type_ = DataType::fp32;
};

}  // namespace quantscope
