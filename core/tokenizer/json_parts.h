// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer/text_pattern.h"
#include "kernels/error.h"

namespace quantscope {

/// The parts of a component of tokenizer.json in order: itself, or those of a (nested) Sequence, whose array is called
/// `list`; none if it is null. Fails if sequences are nested out of all reason.
Result<std::vector<const nlohmann::json*>> sequence_parts(const nlohmann::json& value, const char* list,
                                                          const char* component);

/// A `pattern`: {"String": plain text} or {"Regex": Oniguruma expression}. `owner` is named when it is missing.
Result<TextPattern> read_pattern(const nlohmann::json& value, std::string_view owner);

/// A text that a component puts into others; fails if it is longer than 256 bytes, which no tokenizer needs.
Result<std::string> read_insert(const nlohmann::json& object, const char* name, std::string_view owner);

/// The sign for a space of a Metaspace component: one character, "▁" if not given.
Result<std::string> read_space_mark(const nlohmann::json& object);

/// The failure for a component that this program does not know.
tl::unexpected<Error> refuse_part(std::string_view component, std::string_view type);

}  // namespace quantscope
