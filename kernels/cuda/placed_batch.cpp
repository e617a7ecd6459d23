// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/placed_batch.h"

#include "kernels/cuda/attention_kernels.h"
#include "kernels/cuda/attention_paths.h"
#include "kernels/operation_checks.h"

namespace quantscope::cuda {

std::int64_t planned_positions(std::int64_t positions) {
  std::int64_t planned = attention_chunk;
  while (planned < positions) planned *= 2;
  return planned;
}

Result<const float*> PlacedFrequencies::place(Device& device, std::span<const float> frequencies) {
  if (frequencies.empty()) return nullptr;
  for (Set& set : sets_) {
    if (set.values.holds(frequencies)) return set.values.place(device, frequencies);
  }
  Set& replaced = sets_[oldest_];
  oldest_ = (oldest_ + 1) % set_count;
  return replaced.values.place(device, frequencies);
}

std::int64_t PlacedFrequencies::bytes(std::int64_t head_dim) {
  return static_cast<std::int64_t>(set_count * sizeof(float)) * (head_dim / 2);
}

Result<void> PlacedFrequencies::reserve(Device& device, std::int64_t head_dim) {
  for (Set& set : sets_) {
    set.values.forget();
    if (auto done = set.memory.resize(device, static_cast<std::size_t>(head_dim / 2) * sizeof(float)); !done)
      return done;
  }
  return {};
}

PlacedCounts largest_placed_counts(const Workload& workload) {
  // Every sequence of a pass writes to a page of its own; it may read all others.
  const std::int64_t pages = workload.context / workload.page_tokens;
  return {workload.batch_rows, workload.batch_rows / smallest_prompt_rows,
          std::min(workload.batch_rows, pages) * pages};
}

void PlacedBatch::forget() {
  locations_.forget();
  tiles_.forget();
  pages_.forget();
}

PlacedBatch::Rows PlacedBatch::arrange(std::span<const SequenceRows> sequences, const KvShape& cache, int capability) {
  Rows rows;
  for (const AttentionPath path : {AttentionPath::rows, AttentionPath::prompts}) {
    for (const SequenceRows& sequence : sequences) {
      if (choose_attention_path(cache, sequence.row_count, capability) != path) continue;
      const std::int64_t first_page = std::ssize(rows.pages);
      rows.pages.insert(rows.pages.end(), sequence.pages.begin(), sequence.pages.end());
      for (std::int64_t i = 0; i < sequence.row_count; ++i) {
        const RowLocation location{sequence.first_row + i, sequence.first_position + i, first_page};
        rows.locations.push_back(location);
        if (path == AttentionPath::prompts && i % prompt_tile_rows == 0) {
          rows.tiles.push_back({location, std::min(prompt_tile_rows, sequence.row_count - i)});
        }
      }
    }
    if (path == AttentionPath::rows) rows.single_rows = std::ssize(rows.locations);
  }
  return rows;
}

Result<void> PlacedBatch::upload(Device& device, const Rows& rows) {
  const auto locations = locations_.place(device, rows.locations);
  if (!locations) return tl::unexpected(locations.error());
  const auto pages = pages_.place(device, rows.pages);
  if (!pages) return tl::unexpected(pages.error());
  device_locations_ = *locations;
  device_pages_ = *pages;
  device_tiles_ = nullptr;
  if (rows.tiles.empty()) return {};
  const auto tiles = tiles_.place(device, rows.tiles);
  if (!tiles) return tl::unexpected(tiles.error());
  device_tiles_ = *tiles;
  return {};
}

Result<void> PlacedBatch::place(Device& device, std::span<const SequenceRows> sequences, const KvShape& cache,
                                std::int64_t row_capacity) {
  if (auto places = place_rows(sequences, cache, row_capacity); !places) return tl::unexpected(places.error());
  positions_ = 0;
  for (const SequenceRows& sequence : sequences) {
    positions_ = std::max(positions_, sequence.first_position + sequence.row_count);
  }
  planned_positions_ = quantscope::cuda::planned_positions(positions_);
  const Rows rows = arrange(sequences, cache, device.shape().capability);
  count_ = std::ssize(rows.locations);
  single_rows_ = rows.single_rows;
  tile_count_ = std::ssize(rows.tiles);
  return upload(device, rows);
}

Batch PlacedBatch::batch(const AttentionShape& shape) const {
  return {device_locations_, count_, device_pages_, shape.layer, shape.heads};
}

Batch PlacedBatch::single_rows(const AttentionShape& shape) const {
  return {device_locations_, single_rows_, device_pages_, shape.layer, shape.heads};
}

}  // namespace quantscope::cuda
