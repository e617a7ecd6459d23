// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/quantize_tensor.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/quantize/tensor_error.h"

namespace quantscope {
namespace {
constexpr std::int64_t tile_values = std::int64_t{1} << 20;

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
  TensorErrorSums sums;
  for (std::int64_t row = 0; row < weight.rows; row += tile_rows) {
    const std::int64_t rows = std::min(tile_rows, weight.rows - row);
    const auto count = static_cast<std::size_t>(rows * weight.columns);
    const auto source = buffer->as<float>().first(count), decoded = buffer->as<float>().subspan(tile_size, count);
    if (auto read = checkpoint.decode_rows(tensor, row, rows, source); !read) return tl::unexpected(read.error());
    if (auto done = backend.decode(weight, row, rows, decoded); !done) return tl::unexpected(done.error());
    sums.add(source, decoded);
  }
  return sums.summary();
}

}  // namespace quantscope
