// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/tokenizer/jinja/arguments.h"

namespace quantscope::jinja {

/// `value is name(arguments)`, Jinja's builtin tests. Throws Failure for a test that is not known.
bool passes_test(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget);

}  // namespace quantscope::jinja
