// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/memory_ledger.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace quantscope {
namespace {
constexpr std::size_t alignment = 64;  // one cache line, one AVX-512 register

MemoryRows read(const std::array<std::atomic<std::int64_t>, memory_tag_count>& counters) {
  MemoryRows rows;
  for (std::size_t i = 0; i < memory_tag_count; ++i) rows.bytes[i] = counters[i].load(std::memory_order_relaxed);
  return rows;
}
}  // namespace

std::string_view memory_tag_name(MemoryTag tag) {
  constexpr std::array<std::string_view, memory_tag_count> names = {
      "codes", "scales", "embedding", "head", "norms", "unquantized", "padding", "kv_cache", "workspace"};
  return names[static_cast<std::size_t>(tag)];
}

std::int64_t MemoryRows::weights() const {
  const MemoryRows& rows = *this;
  return rows[MemoryTag::codes] + rows[MemoryTag::scales] + rows[MemoryTag::embedding] + rows[MemoryTag::head] +
         rows[MemoryTag::norms] + rows[MemoryTag::unquantized];
}

std::int64_t MemoryRows::total() const {
  const MemoryRows& rows = *this;
  return weights() + rows[MemoryTag::padding] + rows[MemoryTag::kv_cache] + rows[MemoryTag::workspace];
}

MemoryRows MemoryLedger::current() const { return read(current_); }

MemoryRows MemoryLedger::peak() const { return read(peak_); }

void MemoryLedger::reset_peak() {
  for (std::size_t i = 0; i < memory_tag_count; ++i) peak_[i].store(current_[i].load());
}

void MemoryLedger::add(MemoryTag tag, std::int64_t bytes) {
  const auto i = static_cast<std::size_t>(tag);
  const std::int64_t now = current_[i].fetch_add(bytes) + bytes;
  std::int64_t seen = peak_[i].load();
  while (seen < now && !peak_[i].compare_exchange_weak(seen, now)) {
  }
}

void MemoryLedger::remove(MemoryTag tag, std::int64_t bytes) { current_[static_cast<std::size_t>(tag)] -= bytes; }

Result<TaggedBuffer> TaggedBuffer::allocate(MemoryLedger& ledger, MemoryTag tag, std::size_t bytes) {
  TaggedBuffer buffer;
  buffer.ledger_ = &ledger;
  buffer.tag_ = tag;
  if (bytes == 0) return buffer;
  void* memory = nullptr;
  if (bytes > PTRDIFF_MAX - alignment || posix_memalign(&memory, alignment, bytes) != 0) {
    return fail(ErrorCode::out_of_memory, "Not enough memory for " + std::to_string(bytes) + " bytes of " +
                                              std::string(memory_tag_name(tag)) +
                                              ". Close other programs, choose fewer bits or a shorter context.");
  }
  std::memset(memory, 0, bytes);
  buffer.data_ = static_cast<std::byte*>(memory);
  buffer.bytes_ = bytes;
  ledger.add(tag, static_cast<std::int64_t>(bytes));
  return buffer;
}

TaggedBuffer::TaggedBuffer(TaggedBuffer&& other) noexcept
    : ledger_(other.ledger_),
      tag_(other.tag_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

TaggedBuffer& TaggedBuffer::operator=(TaggedBuffer&& other) noexcept {
  std::swap(ledger_, other.ledger_);
  std::swap(tag_, other.tag_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

TaggedBuffer::~TaggedBuffer() {
  if (data_ == nullptr) return;
  std::free(data_);
  ledger_->remove(tag_, static_cast<std::int64_t>(bytes_));
}

}  // namespace quantscope
