// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer/jinja/budget.h"

namespace quantscope::jinja {

// Python's methods of str, on valid UTF-8.

enum class Side { both, left, right };
/// Without `set` white space goes, else any of its characters.
std::string strip(std::string_view text, const std::optional<std::string>& set, Side side);
std::string upper(std::string_view text);
std::string lower(std::string_view text);
/// The first character in upper case, the others in lower case.
std::string capitalize(std::string_view text);
/// Every word so; words are runs of letters.
std::string title(std::string_view text);
/// Fails if `from` is empty.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to, Budget& budget);
/// At `separator`, at most `limit` times; without it at runs of white space.
std::vector<std::string> split(std::string_view text, const std::optional<std::string>& separator, std::size_t limit);

}  // namespace quantscope::jinja
