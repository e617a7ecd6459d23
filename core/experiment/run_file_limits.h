// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "core/input/bounded_json.h"

namespace quantscope {

/// Bytes of a run.json. One configuration's answers to the 7,983 questions of CoQA's development set take some 6 MB.
inline constexpr std::uintmax_t largest_run_file = std::uintmax_t{512} << 20U;
/// Of those answers each has some 35 values and names.
inline constexpr JsonLimits run_file_limits = {.values = 32'000'000};

}  // namespace quantscope
