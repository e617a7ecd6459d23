// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/backend.h"

namespace quantscope {

/// Keys and values on the CPU: [layer, page, kv head] of a key page [head_dim, page_tokens] (positions side by side, so
/// that one vector holds the scores of several) followed by a value page [page_tokens, head_dim].
class CpuKvStorage final : public KvStorage {
 public:
  /// Fails with invalid_argument on a shape that cannot be, with out_of_memory, naming the size, when it does not fit.
  static Result<std::unique_ptr<CpuKvStorage>> create(MemoryLedger& ledger, const KvShape& shape);

  const std::byte* keys(std::int64_t layer, std::int32_t page, std::int64_t kv_head) const {
    return memory_.data() + offset(layer, page, kv_head);
  }
  const std::byte* values(std::int64_t layer, std::int32_t page, std::int64_t kv_head) const {
    return keys(layer, page, kv_head) + half_page_bytes();
  }
  /// Rounds one head's key and value to the cache's type and keeps them at an offset of a page.
  void put(std::int64_t layer, std::int32_t page, std::int64_t kv_head, std::int64_t token, const float* key,
           const float* value);
  /// Copies a page of every layer.
  void copy_page(std::int32_t from, std::int32_t to);

 private:
  std::int64_t half_page_bytes() const { return shape.page_tokens * shape.head_dim * element_bytes_; }
  std::int64_t offset(std::int64_t layer, std::int32_t page, std::int64_t kv_head) const {
    return ((layer * shape.pages + page) * shape.kv_heads + kv_head) * 2 * half_page_bytes();
  }

  std::int64_t element_bytes_ = 4;
  TaggedBuffer memory_;
};

}  // namespace quantscope
