// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>

namespace quantscope {
namespace {

constexpr std::uint64_t samples = 64;
constexpr std::uint64_t sample_bytes = 4096;

struct StateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using State = std::unique_ptr<XXH3_state_t, StateDeleter>;

void add(XXH3_state_t& state, std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
}

void add_file(XXH3_state_t& state, const CheckpointFile& file) {
  const std::span<const std::byte> bytes = file.mapping.bytes();
  const std::uint64_t size = bytes.size();
  add(state, std::as_bytes(std::span(&size, 1)));
  add(state, bytes.first(std::min(size, file.header_bytes)));
  const std::uint64_t length = std::min(size, sample_bytes);
  for (std::uint64_t i = 0; i < samples; ++i) {
    // (size - length) * i could overflow for no real file; dividing first would lose the last sample.
    const std::uint64_t start = (size - length) * i / (samples - 1);
    add(state, bytes.subspan(start, length));
  }
}

}  // namespace

Result<std::string> fingerprint_files(std::span<const CheckpointFile> files) {
  const State state(XXH3_createState());
  if (!state) return fail(ErrorCode::out_of_memory, "No memory is left for the fingerprint of the checkpoint.");
  XXH3_128bits_reset(state.get());
  for (const CheckpointFile& file : files) {
    if (auto whole = file.mapping.check_not_cut(); !whole) return tl::unexpected(std::move(whole.error()));
    add_file(*state, file);
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace quantscope
