// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/tensor_preview.h"

#include <algorithm>
#include <cmath>

#include "core/quantize/quantize_tensor.h"
#include "kernels/cpu/cpu_backend.h"

namespace quantscope {
namespace {

constexpr std::int64_t tile_values = 1 << 20;

std::int64_t values_per_scale(const WeightFormat& format, std::int64_t columns) {
  return format.scale_layout == ScaleLayout::per_row ? columns : format.block_size;
}

/// The median over all groups of `group` consecutive values; a last, shorter group counts as one.
Result<double> median_absmax(const RowReader& source, std::int64_t rows, std::int64_t columns, std::int64_t group) {
  std::vector<float> absmax;
  std::vector<float> tile;
  float largest = 0.0F;
  std::int64_t filled = 0;
  const std::int64_t tile_rows = std::max<std::int64_t>(1, tile_values / columns);
  for (std::int64_t row = 0; row < rows; row += tile_rows) {
    const std::int64_t count = std::min(tile_rows, rows - row);
    tile.resize(static_cast<std::size_t>(count * columns));
    if (auto read = source(row, count, tile); !read) return tl::unexpected(read.error());
    for (const float value : tile) {
      largest = std::max(largest, std::abs(value));
      if (++filled < group) continue;
      absmax.push_back(largest);
      largest = 0.0F;
      filled = 0;
    }
  }
  if (filled > 0) absmax.push_back(largest);
  const auto middle = absmax.begin() + static_cast<std::ptrdiff_t>(absmax.size() / 2);
  std::nth_element(absmax.begin(), middle, absmax.end());
  return static_cast<double>(*middle);
}

HistogramBins exact_bins(StoredType type) {
  return type == StoredType::f16 ? HistogramBins::float16 : HistogramBins::bfloat16;
}

}  // namespace

std::size_t first_shown_tensor(const Checkpoint& checkpoint) {
  std::size_t best = 0;
  std::int64_t best_count = -1;
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const TensorInfo& tensor = checkpoint.tensors()[i];
    const bool in_layer = tensor.name.find("layers.0.") != std::string::npos && tensor.shape.size() > 1;
    if (in_layer && tensor.count() > best_count) {
      best = i;
      best_count = tensor.count();
    }
  }
  return best;
}

WeightFormat planned_format(const Resolved& resolved, std::string_view tensor) {
  const auto& weights = resolved.plan.weights;
  const auto planned = std::ranges::find_if(weights, [&](const PlannedWeight& w) { return w.slot.name == tensor; });
  return planned == weights.end() || planned->as_stored ? WeightFormat{} : planned->format;
}

Result<std::unique_ptr<TensorPreviewer>> TensorPreviewer::create(int threads) {
  CpuOptions options;
  options.threads = threads;
  auto backend = create_cpu_backend(options);
  if (!backend) return tl::unexpected(backend.error());
  return std::unique_ptr<TensorPreviewer>(new TensorPreviewer(std::move(*backend)));
}

Result<TensorPreview> TensorPreviewer::preview(const Checkpoint& checkpoint, const TensorInfo& tensor,
                                               const WeightFormat& format, std::stop_token stop) {
  if (tensor.count() <= 0) return fail(ErrorCode::invalid_argument, "The tensor " + tensor.name + " is empty.");
  backend_->set_stop_token(stop);
  const RowReader source = source_rows(checkpoint, tensor);
  const std::int64_t rows = tensor.rows(), columns = tensor.columns();
  const HistogramBins bins = exact_bins(tensor.type);
  TensorPreview preview;
  preview.format = format;
  auto statistics = backend_->statistics(source, rows, columns, bins);
  if (!statistics) return tl::unexpected(statistics.error());
  preview.source = std::move(*statistics);
  if (format.scale_layout == ScaleLayout::none) return preview;

  auto weight = backend_->quantize(source, rows, columns, format, MemoryTag::workspace);
  if (!weight) return tl::unexpected(weight.error());
  const RowReader decoded = [&](std::int64_t first, std::int64_t count, std::span<float> values) {
    return backend_->decode(**weight, first, count, values);
  };
  auto decoded_statistics = backend_->statistics(decoded, rows, columns, bins);
  if (!decoded_statistics) return tl::unexpected(decoded_statistics.error());
  preview.decoded = std::move(*decoded_statistics);
  auto error = quantization_error(checkpoint, tensor, *backend_, **weight);
  if (!error) return tl::unexpected(error.error());
  preview.error = *error;
  auto median = median_absmax(source, rows, columns, values_per_scale(format, columns));
  if (!median) return tl::unexpected(median.error());
  preview.median_absmax = *median;
  return preview;
}

}  // namespace quantscope
