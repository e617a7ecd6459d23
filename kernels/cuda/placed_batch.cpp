// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/placed_batch.h"

#include "kernels/operation_checks.h"

namespace quantscope::cuda {

std::int64_t planned_positions(std::int64_t positions) {
  std::int64_t planned = attention_chunk;
  while (planned < positions) planned *= 2;
  return planned;
}

Result<void> PlacedBatch::place(Device& device, std::span<const SequenceRows> sequences, const KvShape& cache,
                                std::int64_t row_capacity) {
  if (auto places = place_rows(sequences, cache, row_capacity); !places) return tl::unexpected(places.error());
  std::vector<RowLocation> locations;
  std::vector<std::int32_t> pages;
  positions_ = 0;
  for (const SequenceRows& sequence : sequences) {
    const std::int64_t first_page = std::ssize(pages);
    pages.insert(pages.end(), sequence.pages.begin(), sequence.pages.end());
    for (std::int64_t i = 0; i < sequence.row_count; ++i) {
      locations.push_back({sequence.first_row + i, sequence.first_position + i, first_page});
    }
    positions_ = std::max(positions_, sequence.first_position + sequence.row_count);
  }
  planned_positions_ = quantscope::cuda::planned_positions(positions_);
  count_ = std::ssize(locations);
  const auto placed_locations = locations_.place(device, locations);
  if (!placed_locations) return tl::unexpected(placed_locations.error());
  const auto placed_pages = pages_.place(device, pages);
  if (!placed_pages) return tl::unexpected(placed_pages.error());
  device_locations_ = *placed_locations;
  device_pages_ = *placed_pages;
  return {};
}

Batch PlacedBatch::batch(const AttentionShape& shape) const {
  return {device_locations_, count_, device_pages_, shape.layer, shape.heads};
}

}  // namespace quantscope::cuda
