// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/file_tensor.h"
#include "kernels/quantized_tensor.h"

/// What the layouts of integer codes share: matrices of 32-bit words and of 16-bit scales in mapped files.
namespace quantscope {

/// A row-major matrix of T in a file, which promises no alignment.
template <class T>
class FileMatrix {
 public:
  FileMatrix() = default;
  FileMatrix(std::span<const std::byte> bytes, std::int64_t columns) : bytes_(bytes.data()), columns_(columns) {}

  const std::byte* address(std::int64_t row, std::int64_t column) const {
    return bytes_ + (row * columns_ + column) * static_cast<std::int64_t>(sizeof(T));
  }
  T at(std::int64_t row, std::int64_t column) const {
    T value{};
    std::memcpy(&value, address(row, column), sizeof(T));
    return value;
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::int64_t columns_ = 0;
};

/// The scale type of a safetensors dtype: F16, BF16 or F32.
std::optional<ScaleType> scale_type_of(std::string_view dtype);

/// A linear P in the layouts of GPTQ and AWQ, which lies in several tensors.
struct PackedModule {
  std::string name;                     ///< P
  const FileTensor* qweight = nullptr;  ///< P.qweight, a matrix of int32
  const FileTensor* qzeros = nullptr;   ///< P.qzeros
  const FileTensor* scales = nullptr;   ///< P.scales
  ScaleType scale_type = ScaleType::float16;
};
/// Hands each module of the checkpoint to `add`. Fails where `add` does, and where a tensor of a module is missing or
/// of another type.
Result<void> for_each_packed_module(const FileTensors& tensors,
                                    const std::function<Result<void>(const PackedModule& module)>& add);

/// Copies scales [groups, columns of `scales`] of the rows [first_row, first_row + tensor.rows) into the tensor, which
/// keeps them as [rows, groups].
void transpose_scales(std::span<const std::byte> scales, std::int64_t scales_columns, std::int64_t first_row,
                      QuantizedTensor& tensor);

/// The dtype of a scale type, and the scales of a whole tensor [rows, groups] as [groups, rows], for writers.
std::string_view scale_dtype(ScaleType type);
std::vector<std::byte> transposed_scales(const QuantizedTensor& tensor);

/// Group size and index of a g_idx.
struct GroupIndex {
  bool act_order = false;               ///< false when column k lies in group k / group_size
  std::span<const std::byte> elements;  ///< int32 [columns]
};
/// Checks a g_idx [columns] of int32: every element is below the number of groups.
Result<GroupIndex> read_group_index(const FileTensors& tensors, const FileTensor& g_idx, std::int64_t columns,
                                    std::int64_t group_size);
/// Copies it into a tensor whose format has one.
void copy_group_index(const GroupIndex& index, QuantizedTensor& tensor);

}  // namespace quantscope
