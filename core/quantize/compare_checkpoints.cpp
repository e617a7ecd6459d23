// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/compare_checkpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/quantize/tensor_error.h"
#include "kernels/formats/half.h"

namespace quantscope {
namespace {

constexpr std::int64_t tile_values = std::int64_t{1} << 20;

bool is_quantized(const TensorInfo& tensor) { return tensor.quantized || is_block_quantized(tensor.type); }

float rounded_to(StoredType type, float value) {
  if (type == StoredType::f16) return round_to(ComputeType::fp16, value);
  return type == StoredType::bf16 ? round_to(ComputeType::bf16, value) : value;
}

/// Two tensors of the same shape.
class PairReader {
 public:
  PairReader(const Checkpoint& file, const TensorInfo& tensor, const Checkpoint& source, const TensorInfo& original)
      : file_(file), tensor_(tensor), source_(source), original_(original) {}

  Result<void> read_all(const std::stop_token& stop) {
    const std::int64_t rows = tensor_.rows(), columns = std::max<std::int64_t>(1, tensor_.columns());
    const std::int64_t tile = std::clamp<std::int64_t>(tile_values / columns, 1, std::max<std::int64_t>(1, rows));
    for (std::int64_t row = 0; row < rows; row += tile) {
      if (stop.stop_requested()) return cancelled();
      if (auto read = read_tile(row, std::min(tile, rows - row)); !read) return read;
    }
    return {};
  }

  QuantizationError error() const { return sums_.summary(); }
  bool bit_equal() const { return bit_equal_; }
  bool is_rounding() const { return is_rounding_; }

 private:
  Result<void> read_tile(std::int64_t row, std::int64_t rows) {
    const auto count = static_cast<std::size_t>(rows * tensor_.columns());
    values_.resize(count);
    original_values_.resize(count);
    if (auto read = file_.decode_rows(tensor_, row, rows, values_); !read) return read;
    if (auto read = source_.decode_rows(original_, row, rows, original_values_); !read) return read;
    sums_.add(original_values_, values_);
    bit_equal_ = bit_equal_ && std::memcmp(values_.data(), original_values_.data(), count * sizeof(float)) == 0;
    for (std::size_t i = 0; is_rounding_ && i < count; ++i) {
      const float expected = rounded_to(tensor_.type, original_values_[i]);
      is_rounding_ = values_[i] == expected || (values_[i] != values_[i] && expected != expected);
    }
    return {};
  }

  const Checkpoint& file_;
  const TensorInfo& tensor_;
  const Checkpoint& source_;
  const TensorInfo& original_;
  std::vector<float> values_, original_values_;
  TensorErrorSums sums_;
  bool bit_equal_ = true, is_rounding_ = true;
};

Result<TensorComparison> compare(const Checkpoint& file, const Checkpoint& source, const TensorInfo& original,
                                 double largest, const std::stop_token& stop) {
  TensorComparison result;
  result.name = original.name;
  const TensorInfo* tensor = file.find(original.name);
  if (tensor == nullptr) {
    result.why_not = "it is missing";
    return result;
  }
  result.stored = stored_form(*tensor);
  if (tensor->shape != original.shape) {
    result.why_not = "its shape is another";
    return result;
  }
  PairReader pair(file, *tensor, source, original);
  if (auto read = pair.read_all(stop); !read) return tl::unexpected(std::move(read.error()));
  result.error = pair.error();
  result.bit_equal = pair.bit_equal();
  if (is_quantized(*tensor)) {
    result.holds = result.error.relative_error <= largest;
    if (!result.holds) result.why_not = fmt::format("its relative error is above {}", largest);
  } else {
    result.holds = pair.is_rounding();
    if (!result.holds) result.why_not = fmt::format("it is not the source rounded to {}", result.stored);
  }
  return result;
}

}  // namespace

Result<std::vector<TensorComparison>> compare_checkpoints(const Checkpoint& file, const Checkpoint& source,
                                                          double largest_relative_error, const ProgressFn& progress,
                                                          std::stop_token stop) {
  std::vector<TensorComparison> results;
  const auto tensors = source.tensors();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (progress)
      progress({"Comparing", static_cast<std::int64_t>(i), static_cast<std::int64_t>(tensors.size()), tensors[i].name});
    const bool tied_head = tensors[i].name == "lm_head.weight" && file.model().tied_head;
    if (tied_head && file.find(tensors[i].name) == nullptr) continue;
    auto compared = compare(file, source, tensors[i], largest_relative_error, stop);
    if (!compared) return tl::unexpected(std::move(compared.error()));
    results.push_back(std::move(*compared));
  }
  return results;
}

}  // namespace quantscope
