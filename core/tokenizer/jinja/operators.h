// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string_view>

#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {

// Python's operators. Throw Failure for types that they do not take.

/// + - * / // % and ~ (text of both joined).
Value arithmetic(std::string_view symbol, const Value& left, const Value& right, Budget& budget);
/// == != < <= > >= in, not in.
bool compare(std::string_view symbol, const Value& left, const Value& right, Budget& budget);
Value negative(const Value& value);
/// value[index] of a list or text; undefined outside of it. Fields of dictionaries are found by Value::field.
Value element(const Value& value, std::int64_t index);
/// value[start:stop:step] of a list or text.
Value slice(const Value& value, std::optional<std::int64_t> start, std::optional<std::int64_t> stop, std::int64_t step,
            Budget& budget);
/// Negative, zero or positive as `left` is less than, equal to or greater than `right`: numbers or texts.
int order(const Value& left, const Value& right);

}  // namespace quantscope::jinja
