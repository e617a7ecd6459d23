// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {

/// Python's json.dumps(value, ensure_ascii=False, indent=indent), which transformers uses for the filter tojson.
std::string json_text(const Value& value, std::optional<std::int64_t> indent, Budget& budget);

}  // namespace quantscope::jinja
