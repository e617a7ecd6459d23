// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/plain_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/input/utf8.h"

namespace quantscope {
namespace {

tl::unexpected<Error> refuse(std::string_view file, std::string_view problem, const InvalidUtf8& bad,
                             std::string_view advice) {
  return fail(ErrorCode::corrupt_file,
              fmt::format("'{}' {} ({} byte{}, the first at byte {}); {}.", file, problem, bad.bytes,
                          bad.bytes == 1 ? "" : "s", bad.first, advice),
              fmt::format("{}: byte {}", file, bad.first));
}

}  // namespace

Result<std::string_view> plain_text(std::string_view bytes, std::string_view file, const std::stop_token& stop) {
  const auto invalid = find_invalid_utf8(bytes, stop);
  if (!invalid) return tl::unexpected(invalid.error());
  if (invalid->bytes > 0)
    return refuse(file, "is not UTF-8 text: it has bytes that belong to no character", *invalid,
                  "save it as UTF-8, as the perplexity of a repaired text would be that of another one");
  if (const auto zeros = static_cast<std::size_t>(std::ranges::count(bytes, '\0')); zeros > 0)
    return refuse(file, "is no text: it has zero bytes", {zeros, bytes.find('\0')}, "choose a text file");
  if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  if (bytes.empty()) return fail(ErrorCode::invalid_argument, fmt::format("'{}' is empty.", file), std::string(file));
  return bytes;
}

}  // namespace quantscope
