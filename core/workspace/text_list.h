// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quantscope {

/// A list of texts in one column: a JSON array, which SQL takes apart with json_each(). Bytes that are not UTF-8 become
/// U+FFFD.
std::string text_of_list(const std::vector<std::string>& list);
/// Empty where the text is no JSON array of texts.
std::vector<std::string> list_of_text(std::string_view text);

}  // namespace quantscope
