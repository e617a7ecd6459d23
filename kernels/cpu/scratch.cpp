// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/scratch.h"

#include <numeric>
#include <utility>

namespace quantscope {
namespace {
template <class Scratches, class Bytes>
Result<void> resize_each(MemoryLedger& ledger, Scratches& scratches, const Bytes& bytes) {
  for (std::size_t i = 0; i < scratches.size(); ++i) {
    if (auto done = scratches[i].resize(ledger, static_cast<std::size_t>(bytes[i])); !done) return done;
  }
  return {};
}
}  // namespace

Result<void> Scratch::resize(MemoryLedger& ledger, std::size_t bytes) {
  if (bytes == memory_.size()) return {};
  memory_ = TaggedBuffer();
  auto memory = TaggedBuffer::allocate(ledger, MemoryTag::workspace, bytes);
  if (!memory) return tl::unexpected(memory.error());
  memory_ = std::move(*memory);
  return {};
}

std::int64_t ScratchSizes::total(int workers) const {
  const auto sum = [](const auto& bytes) { return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}); };
  return sum(shared) + sum(packed) + workers * sum(worker);
}

Scratch& ScratchSet::packed(std::size_t slot) {
  if (packed_.size() <= slot) packed_.resize(slot + 1);
  return packed_[slot];
}

Result<void> ScratchSet::resize(MemoryLedger& ledger, const ScratchSizes& sizes) {
  packed_.resize(sizes.packed.size());
  if (auto done = resize_each(ledger, packed_, sizes.packed); !done) return done;
  if (auto done = resize_each(ledger, shared_, sizes.shared); !done) return done;
  for (auto& worker : workers_) {
    if (auto done = resize_each(ledger, worker, sizes.worker); !done) return done;
  }
  return {};
}

}  // namespace quantscope
