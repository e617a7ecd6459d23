// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/bounded_file.h"

#include <fmt/format.h>

#include <fstream>
#include <system_error>
#include <vector>

namespace quantscope {

Result<std::string> read_bounded_file(const std::filesystem::path& path, std::uintmax_t most, std::string_view kind) {
  const std::string name = path.string();
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorCode::not_found, fmt::format("'{}' does not exist; choose another {}.", name, kind), name);
  }
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a file; choose a {}.", name, kind), name);
  }
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  std::ifstream file(path, std::ios::binary);
  if (problem || !file) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be opened; check its permissions.", name), name);
  }
  if (size > most) {
    return fail(ErrorCode::unsupported,
                fmt::format("'{}' has {} bytes and a {} may have at most {}; choose a smaller file or a part of it.",
                            name, size, kind, most),
                name);
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be read; it may have been changed meanwhile.", name), name);
  }
  return bytes;
}

Result<std::string> read_bounded_stream(std::istream& stream, std::uintmax_t most, std::string_view name) {
  std::string text;
  std::vector<char> block(std::size_t{1} << 20U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) || stream.gcount() > 0) {
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > most) {
      return fail(
          ErrorCode::unsupported,
          fmt::format("{} holds more than {} bytes, the most that is read here; give a part of it.", name, most),
          std::string(name));
    }
  }
  if (stream.bad()) return fail(ErrorCode::io, fmt::format("{} cannot be read.", name), std::string(name));
  return text;
}

}  // namespace quantscope
