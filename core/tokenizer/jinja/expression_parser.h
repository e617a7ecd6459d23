// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/tokenizer/jinja/syntax.h"
#include "core/tokenizer/jinja/token_stream.h"

namespace quantscope::jinja {

/// Reads one expression; the stream then stands behind it. Throws Failure. Precedence as in Jinja's parser.py.
ExpressionPtr parse_expression(TokenStream& tokens);

/// Likewise, without "... if ... else ..." at its top (the list of a `for`, whose `if` is another).
ExpressionPtr parse_unconditional_expression(TokenStream& tokens);

}  // namespace quantscope::jinja
