// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quantscope::jinja {

/// What a string literal stands for, given what lies between its quotes: the escapes of Python. Throws Failure at
/// `position` for those of Python's that are malformed or name a surrogate.
std::string string_content(std::string_view literal, std::size_t position);

}  // namespace quantscope::jinja
