// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/tokenizer/jinja/arguments.h"

namespace quantscope::jinja {

/// `value | name(arguments)`: those of Jinja's builtin filters that chat templates use, and transformers' tojson.
/// Throws Failure for a filter that is not known.
Value apply_filter(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget);

}  // namespace quantscope::jinja
