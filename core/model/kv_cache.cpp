// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quantscope {

Result<KvCache> KvCache::create(Backend& backend, const KvShape& shape) {
  auto storage = backend.create_kv(shape);
  if (!storage) return tl::unexpected(storage.error());
  KvCache cache;
  cache.backend_ = &backend;
  cache.storage_ = std::move(*storage);
  cache.references_ = std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(shape.pages), 0);
  return cache;
}

KvCache::Sequence::Sequence(const Sequence& other)
    : references_(other.references_), pages_(other.pages_), page_tokens_(other.page_tokens_), length_(other.length_) {
  for (const std::int32_t page : pages_) ++(*references_)[static_cast<std::size_t>(page)];
}

KvCache::Sequence::Sequence(Sequence&& other) noexcept
    : references_(std::move(other.references_)),
      pages_(std::exchange(other.pages_, {})),
      page_tokens_(other.page_tokens_),
      length_(std::exchange(other.length_, 0)) {}

KvCache::Sequence& KvCache::Sequence::operator=(Sequence other) noexcept {
  std::swap(references_, other.references_);
  std::swap(pages_, other.pages_);
  std::swap(page_tokens_, other.page_tokens_);
  std::swap(length_, other.length_);
  return *this;
}

KvCache::Sequence::~Sequence() {
  for (const std::int32_t page : pages_) --(*references_)[static_cast<std::size_t>(page)];
}

void KvCache::Sequence::truncate(std::int64_t length) {
  if (length >= length_) return;
  length_ = length;
  while (static_cast<std::int64_t>(pages_.size()) * page_tokens_ >= length_ + page_tokens_) {
    --(*references_)[static_cast<std::size_t>(pages_.back())];
    pages_.pop_back();
  }
}

std::int64_t KvCache::Sequence::pages_to_reach(std::int64_t length) const {
  if (length <= length_) return 0;
  const auto held = static_cast<std::int64_t>(pages_.size());
  const bool copies = length_ % page_tokens_ != 0 && (*references_)[static_cast<std::size_t>(pages_.back())] > 1;
  return (length + page_tokens_ - 1) / page_tokens_ - held + (copies ? 1 : 0);
}

KvCache::Sequence KvCache::new_sequence() const {
  Sequence sequence;
  sequence.references_ = references_;
  sequence.page_tokens_ = page_tokens();
  return sequence;
}

std::int64_t KvCache::free_pages() const { return std::count(references_->begin(), references_->end(), 0); }

Result<std::int32_t> KvCache::take_page() {
  const auto found = std::find(references_->begin(), references_->end(), 0);
  if (found == references_->end()) {
    return fail(
        ErrorCode::out_of_memory,
        fmt::format("The KV cache is full ({} tokens). Choose a longer context or a shorter input.", capacity()),
        "context");
  }
  *found = 1;
  return static_cast<std::int32_t>(found - references_->begin());
}

Result<void> KvCache::extend(Sequence& sequence, std::int64_t tokens) {
  const std::int64_t size = page_tokens();
  Sequence grown = sequence;  // counts every page once more; a failure below leaves `sequence` as it was
  const bool writes_into_last_page = tokens > 0 && sequence.length_ % size != 0;
  // One reference is `sequence`, one is `grown`: a third one means that somebody else reads this page.
  if (writes_into_last_page && (*references_)[static_cast<std::size_t>(grown.pages_.back())] > 2) {
    auto copy = take_page();
    if (!copy) return tl::unexpected(copy.error());
    const std::int32_t shared = std::exchange(grown.pages_.back(), *copy);
    --(*references_)[static_cast<std::size_t>(shared)];
    if (auto copied = backend_->copy_kv_page(*storage_, shared, *copy); !copied) return copied;
  }
  while (static_cast<std::int64_t>(grown.pages_.size()) * size < sequence.length_ + tokens) {
    auto page = take_page();
    if (!page) return tl::unexpected(page.error());
    grown.pages_.push_back(*page);
  }
  grown.length_ += tokens;
  sequence = std::move(grown);
  return {};
}

}  // namespace quantscope
