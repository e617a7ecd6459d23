// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>
#include <utility>

namespace quantscope {

/// The two tokens of a merge written as "left right"; byte-level text has no blank of its own.
inline std::optional<std::pair<std::string_view, std::string_view>> split_merge(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank + 1 == text.size()) return std::nullopt;
  return std::pair(text.substr(0, blank), text.substr(blank + 1));
}

}  // namespace quantscope
