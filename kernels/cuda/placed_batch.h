// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/attention_batch.h"
#include "kernels/cuda/scratch_set.h"
#include "kernels/workload.h"

namespace quantscope::cuda {

/// Host values and their copy on the device, which is made anew only when they change: all layers of a pass share
/// theirs.
template <class T>
class PlacedValues {
 public:
  /// The memory of the copy, which must outlive it.
  explicit PlacedValues(DeviceScratch& memory) : memory_(memory) {}
  /// What the memory held is gone.
  void forget() { data_ = nullptr; }
  bool holds(std::span<const T> values) const { return data_ != nullptr && std::ranges::equal(values, host_); }
  /// Queues the copy if there is none of these values yet. While a graph is recorded there must be one.
  Result<const T*> place(Device& device, std::span<const T> values) {
    if (holds(values)) return data_;
    if (device.recording()) return fail(ErrorCode::internal, "A recorded pass got other values than it began with.");
    data_ = nullptr;
    const auto copied = memory_.upload(device, values.data(), std::ssize(values));
    if (!copied) return tl::unexpected(copied.error());
    host_.assign(values.begin(), values.end());
    data_ = *copied;
    return data_;
  }

 private:
  DeviceScratch& memory_;
  std::vector<T> host_;
  const T* data_ = nullptr;
};

/// The inverse frequencies of rotations on the device. Layers of a model may differ in them.
class PlacedFrequencies {
 public:
  /// Null for none.
  Result<const float*> place(Device& device, std::span<const float> frequencies);
  /// Bytes that reserve() holds for heads of so many values.
  static std::int64_t bytes(std::int64_t head_dim);
  Result<void> reserve(Device& device, std::int64_t head_dim);

 private:
  static constexpr std::size_t set_count = 8;
  struct Set {
    DeviceScratch memory;
    PlacedValues<float> values{memory};
  };
  std::array<Set, set_count> sets_;
  std::size_t oldest_ = 0;
};

/// Most entries that the passes of a workload place.
struct PlacedCounts {
  std::int64_t locations = 0;
  std::int64_t tiles = 0;
  std::int64_t pages = 0;
};
PlacedCounts largest_placed_counts(const Workload& workload);

/// The sequences of one pass on the device. Rows whose attention is formed row by row come first (attention_paths.h).
class PlacedBatch {
 public:
  explicit PlacedBatch(ScratchSet& scratch)
      : locations_(scratch[ScratchUse::locations]),
        tiles_(scratch[ScratchUse::tiles]),
        pages_(scratch[ScratchUse::pages]) {}
  /// What the scratch held is gone.
  void forget();
  /// Fails with invalid_argument when rows or pages are out of range.
  Result<void> place(Device& device, std::span<const SequenceRows> sequences, const KvShape& cache,
                     std::int64_t row_capacity);
  /// All rows, for an operation of one layer. Valid until the next place().
  Batch batch(const AttentionShape& shape) const;
  /// Only those whose attention is formed row by row.
  Batch single_rows(const AttentionShape& shape) const;
  /// The others.
  const PromptTile* tiles() const { return device_tiles_; }
  std::int64_t tile_count() const { return tile_count_; }
  /// One more than the last position of any row.
  std::int64_t positions() const { return positions_; }
  /// A graph that was recorded with fewer positions may be replayed up to this many: launches are sized for it.
  std::int64_t planned_positions() const { return planned_positions_; }

 private:
  struct Rows {
    std::vector<RowLocation> locations;
    std::vector<PromptTile> tiles;
    std::vector<std::int32_t> pages;
    std::int64_t single_rows = 0;
  };
  static Rows arrange(std::span<const SequenceRows> sequences, const KvShape& cache, int capability);
  Result<void> upload(Device& device, const Rows& rows);

  PlacedValues<RowLocation> locations_;
  PlacedValues<PromptTile> tiles_;
  PlacedValues<std::int32_t> pages_;
  const RowLocation* device_locations_ = nullptr;
  const PromptTile* device_tiles_ = nullptr;
  const std::int32_t* device_pages_ = nullptr;
  std::int64_t count_ = 0;
  std::int64_t single_rows_ = 0;
  std::int64_t tile_count_ = 0;
  std::int64_t positions_ = 0;
  std::int64_t planned_positions_ = 0;
};

/// The number of positions that launches are sized for: the next power of two, at least `attention_chunk`.
std::int64_t planned_positions(std::int64_t positions);

}  // namespace quantscope::cuda
