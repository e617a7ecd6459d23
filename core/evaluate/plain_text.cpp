// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/plain_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/evaluate/unicode_text.h"
#include "core/tokenizer/utf8.h"

namespace quantscope {
namespace {

constexpr std::size_t bytes_between_stops = std::size_t{1} << 20U;

struct BadBytes {
  std::size_t count = 0, first = 0;

  void add(std::size_t at, std::size_t length) {
    if (count == 0) first = at;
    count += length;
  }
};

Result<BadBytes> find_invalid_bytes(std::string_view bytes, const std::stop_token& stop) {
  BadBytes bad;
  std::size_t next_look = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (at >= next_look) {
      if (stop.stop_requested()) return cancelled();
      next_look = at + bytes_between_stops;
    }
    const Utf8Part part = first_utf8_part(bytes.substr(at, 4));
    if (!part.valid) bad.add(at, part.length);
    at += part.length;
  }
  return bad;
}

tl::unexpected<Error> refuse(std::string_view file, std::string_view problem, const BadBytes& bad,
                             std::string_view advice) {
  return fail(ErrorCode::corrupt_file,
              fmt::format("'{}' {} ({} byte{}, the first at byte {}); {}.", file, problem, bad.count,
                          bad.count == 1 ? "" : "s", bad.first, advice),
              fmt::format("{}: byte {}", file, bad.first));
}

}  // namespace

Result<std::string_view> plain_text(std::string_view bytes, std::string_view file, const std::stop_token& stop) {
  const auto invalid = find_invalid_bytes(bytes, stop);
  if (!invalid) return tl::unexpected(invalid.error());
  if (invalid->count > 0)
    return refuse(file, "is not UTF-8 text: it has bytes that belong to no character", *invalid,
                  "save it as UTF-8, as the perplexity of a repaired text would be that of another one");
  if (const auto zeros = static_cast<std::size_t>(std::ranges::count(bytes, '\0')); zeros > 0)
    return refuse(file, "is no text: it has zero bytes", {zeros, bytes.find('\0')}, "choose a text file");
  if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  if (bytes.empty()) return fail(ErrorCode::invalid_argument, fmt::format("'{}' is empty.", file), std::string(file));
  return bytes;
}

}  // namespace quantscope
