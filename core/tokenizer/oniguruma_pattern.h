// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// A split pattern of tokenizer.json (Oniguruma, Ruby syntax) rewritten for PCRE2 with PCRE2_UTF | PCRE2_UCP.
///
/// \s, \w and \b are spelled out: PCRE2 counts U+180E among \s, which Unicode's White_Space does not, and leaves marks
/// out of \w. Constructs that PCRE2
/// would silently read as something else (nested classes, class intersections, \h) are refused.
Result<std::string> pcre2_pattern(std::string_view oniguruma);

}  // namespace quantscope
