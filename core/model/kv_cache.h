// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/backend.h"

namespace quantscope {

/// Hands out pages of a KvStorage to sequences. Sequences share pages of a common prefix; a shared page that is about
/// to be written is copied first. One cache belongs to one thread.
class KvCache {
 public:
  static Result<KvCache> create(Backend& backend, const KvShape& shape);

  /// A list of tokens' keys and values. Value type: copying shares the pages, destroying gives them back.
  class Sequence {
   public:
    Sequence() = default;
    Sequence(const Sequence& other);
    Sequence(Sequence&& other) noexcept;
    Sequence& operator=(Sequence other) noexcept;
    ~Sequence();

    std::int64_t length() const { return length_; }
    std::span<const std::int32_t> pages() const { return pages_; }
    /// Forgets everything from position `length` on and gives back the pages that only held it.
    void truncate(std::int64_t length);
    /// Pages that growing to `length` tokens takes from the cache, the copy of a shared last page included.
    std::int64_t pages_to_reach(std::int64_t length) const;

   private:
    friend class KvCache;
    std::shared_ptr<std::vector<std::int32_t>> references_;  // per page of the cache: how many sequences hold it
    std::vector<std::int32_t> pages_;
    std::int64_t page_tokens_ = 0;
    std::int64_t length_ = 0;
  };

  Sequence new_sequence() const;
  /// Makes positions [length, length + tokens) writable and counts them in. out_of_memory when no page is free; the
  /// sequence is then as before.
  Result<void> extend(Sequence& sequence, std::int64_t tokens);

  KvStorage& storage() { return *storage_; }
  const KvShape& shape() const { return storage_->shape; }
  std::int64_t page_tokens() const { return storage_->shape.page_tokens; }
  std::int64_t capacity() const { return storage_->shape.pages * storage_->shape.page_tokens; }
  std::int64_t free_pages() const;

 private:
  Result<std::int32_t> take_page();

  Backend* backend_ = nullptr;
  std::unique_ptr<KvStorage> storage_;
  std::shared_ptr<std::vector<std::int32_t>> references_;
};

}  // namespace quantscope
