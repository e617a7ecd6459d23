// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/quantize_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace quantscope {
namespace {
constexpr std::int64_t tile_values = std::int64_t{1} << 20;

/// Sums over all elements seen so far.
struct ErrorSums {
  double error_squares = 0;
  double source_squares = 0;
  double decoded_squares = 0;
  double products = 0;
  double absolute = 0;
  double largest = 0;

  void add(std::span<const float> source, std::span<const float> decoded) {
    for (std::size_t i = 0; i < source.size(); ++i) {
      const auto x = static_cast<double>(source[i]), y = static_cast<double>(decoded[i]);
      const double error = std::abs(y - x);
      error_squares += error * error;
      source_squares += x * x;
      decoded_squares += y * y;
      products += x * y;
      absolute += error;
      largest = std::max(largest, error);
    }
  }
};

double ratio(double part, double whole) {
  if (whole > 0) return part / whole;
  return part == 0 ? 0 : std::numeric_limits<double>::infinity();
}

QuantizationError summarize(const ErrorSums& sums, std::int64_t count) {
  QuantizationError result;
  if (std::isnan(sums.error_squares)) {
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    return {unknown, unknown, unknown, unknown, unknown};
  }
  result.relative_error = std::sqrt(ratio(sums.error_squares, sums.source_squares));
  result.sqnr_db =
      result.relative_error == 0 ? std::numeric_limits<double>::infinity() : -20 * std::log10(result.relative_error);
  const double norms = std::sqrt(sums.source_squares) * std::sqrt(sums.decoded_squares);
  const double cosine_without_direction = sums.error_squares == 0 ? 1.0 : 0.0;
  result.cosine = norms > 0 ? sums.products / norms : cosine_without_direction;
  result.max_absolute = sums.largest;
  result.mean_absolute = sums.absolute / static_cast<double>(count);
  return result;
}

Result<void> check_shapes(const TensorInfo& tensor, const Weight& weight) {
  if (tensor.rows() == weight.rows && tensor.columns() == weight.columns && tensor.count() > 0) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("The weight [{}, {}] cannot be compared with {}, whose shape is [{}, {}].", weight.rows,
                          weight.columns, tensor.name, tensor.rows(), tensor.columns()),
              tensor.name);
}
}  // namespace

RowReader source_rows(const Checkpoint& checkpoint, const TensorInfo& tensor) {
  const auto decode = [&checkpoint, &tensor](std::int64_t first_row, std::int64_t row_count, std::span<float> values) {
    return checkpoint.decode_rows(tensor, first_row, row_count, values);
  };
  const auto type = checkpoint.copied_type(tensor);
  if (!type) return decode;
  return {decode, *type,
          [&checkpoint, &tensor](std::int64_t first_row, std::int64_t row_count, std::span<std::byte> bytes) {
            return checkpoint.copy_rows(tensor, first_row, row_count, bytes);
          }};
}

Result<std::unique_ptr<Weight>> load_weight(const Checkpoint& checkpoint, const TensorInfo& tensor,
                                            const WeightFormat& format, bool as_stored, MemoryTag tag,
                                            Backend& backend) {
  if (!as_stored)
    return backend.quantize(source_rows(checkpoint, tensor), tensor.rows(), tensor.columns(), format, tag);
  auto stored = checkpoint.read_stored(tensor, backend.upload_ledger(), tag);
  if (!stored) return tl::unexpected(stored.error());
  if (stored->format != format)
    return fail(ErrorCode::internal, fmt::format("{} is stored in another format than planned.", tensor.name),
                tensor.name);
  return backend.upload(std::move(*stored));
}

Result<QuantizationError> quantization_error(const Checkpoint& checkpoint, const TensorInfo& tensor, Backend& backend,
                                             const Weight& weight) {
  if (auto same = check_shapes(tensor, weight); !same) return tl::unexpected(same.error());
  const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_values / weight.columns, 1, weight.rows);
  const auto tile_size = static_cast<std::size_t>(tile_rows * weight.columns);
  MemoryLedger scratch;  // not the device's: a measurement must not show up in what it measures
  auto buffer = TaggedBuffer::allocate(scratch, MemoryTag::workspace, 2 * tile_size * sizeof(float));
  if (!buffer) return tl::unexpected(buffer.error());
  ErrorSums sums;
  for (std::int64_t row = 0; row < weight.rows; row += tile_rows) {
    const std::int64_t rows = std::min(tile_rows, weight.rows - row);
    const auto count = static_cast<std::size_t>(rows * weight.columns);
    const auto source = buffer->as<float>().first(count), decoded = buffer->as<float>().subspan(tile_size, count);
    if (auto read = checkpoint.decode_rows(tensor, row, rows, source); !read) return tl::unexpected(read.error());
    if (auto done = backend.decode(weight, row, rows, decoded); !done) return tl::unexpected(done.error());
    sums.add(source, decoded);
  }
  return summarize(sums, tensor.count());
}

}  // namespace quantscope
