// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "kernels/error.h"

namespace quantscope {

/// The parts of a component of tokenizer.json in order: itself, or those of a (nested) Sequence, whose array is called
/// `list`; none if it is null. Fails if sequences are nested out of all reason.
Result<std::vector<const nlohmann::json*>> sequence_parts(const nlohmann::json& value, const char* list,
                                                          const char* component);

/// The failure for a component that only other kinds of tokenizer have.
tl::unexpected<Error> refuse_part(std::string_view component, std::string_view type);

}  // namespace quantscope
