// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/file_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace quantscope {

std::string hash_bytes(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace quantscope
