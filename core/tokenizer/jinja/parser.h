// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

#include "core/tokenizer/jinja/syntax.h"

namespace quantscope::jinja {

/// Reads a whole template. Throws Failure.
Body parse(std::string_view source);

}  // namespace quantscope::jinja
