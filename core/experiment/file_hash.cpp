// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/file_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <fstream>
#include <memory>
#include <vector>

namespace quantscope {
namespace {

std::string hex(const XXH128_hash_t& hash) { return fmt::format("{:016x}{:016x}", hash.high64, hash.low64); }

}  // namespace

std::string hash_bytes(std::string_view bytes) { return hex(XXH3_128bits(bytes.data(), bytes.size())); }

Result<std::string> hash_file(const std::filesystem::path& path, const std::stop_token& stop,
                              std::string_view passed_over) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))
    return fail(ErrorCode::not_found, fmt::format("There is no file {}.", path.string()), path.string());
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  if (!state) return fail(ErrorCode::out_of_memory, "No memory is left for the hash of a file.", path.string());
  XXH3_128bits_reset(state.get());
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 20U);
  std::string front(passed_over.size(), '\0');
  file.read(front.data(), std::ssize(front));
  if (file.gcount() < std::ssize(front) || front != passed_over) {
    file.clear();
    file.seekg(0);
  }
  while (file.good()) {
    if (stop.stop_requested()) return cancelled();
    file.read(piece.data(), std::ssize(piece));
    XXH3_128bits_update(state.get(), piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) return fail(ErrorCode::io, fmt::format("Cannot read {}.", path.string()), path.string());
  return hex(XXH3_128bits_digest(state.get()));
}

}  // namespace quantscope
