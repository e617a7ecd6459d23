// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/tokenizer/jinja/arguments.h"

namespace quantscope::jinja {

/// Whether values of this type have this method; for dictionaries it hides a field of that name.
bool has_method(const Value& value, std::string_view name);

/// value.name(arguments), for the methods of Python's str and dict that templates use. Throws Failure.
Value call_method(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget);

}  // namespace quantscope::jinja
