// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/input/bounded_json.h"

namespace quantscope {

/// Bytes of a run.json. An answer takes some 550 bytes and 52 values: both limits have room for 75 configurations on
/// the 7,983 questions of CoQA's development set.
inline constexpr std::uintmax_t largest_run_file = std::uintmax_t{512} << 20U;
inline constexpr JsonLimits run_file_limits = {.values = 32'000'000};

}  // namespace quantscope
