// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace quantscope {

/// What two neighbouring tokens become, and how early (rank 0 is merged first).
struct Merge {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t rank = kNever;
  std::int32_t merged = -1;
};

/// From a pair of ids to its merge: a hash table with linear probing, 16 bytes an entry, because the lookup is the
/// inner loop of byte-pair encoding.
class MergeTable {
 public:
  explicit MergeTable(std::size_t merges = 0) : slots_(std::bit_ceil(merges + merges / 2 + 2)) {}

  /// Ids are not negative. A pair set twice keeps the later merge, as in Hugging Face tokenizers.
  void set(std::int32_t left, std::int32_t right, Merge merge) {
    Slot& slot = slots_[place(left, right)];
    slot = {left, right, merge};
  }

  /// A merge of rank kNever if the pair has none.
  Merge find(std::int32_t left, std::int32_t right) const { return slots_[place(left, right)].merge; }

 private:
  struct Slot {
    std::int32_t left = -1, right = -1;
    Merge merge;
  };

  std::size_t place(std::int32_t left, std::int32_t right) const {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t key =
        (std::uint64_t{static_cast<std::uint32_t>(left)} << 32U) | static_cast<std::uint32_t>(right);
    std::size_t index = ((key * 0x9E3779B97F4A7C15U) >> 32U) & mask;
    while (slots_[index].left >= 0 && (slots_[index].left != left || slots_[index].right != right)) {
      index = (index + 1) & mask;
    }
    return index;
  }

  std::vector<Slot> slots_;
};

}  // namespace quantscope
