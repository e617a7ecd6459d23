// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/input/bounded_json.h"

namespace quantscope {

/// Bytes of a run.json. An answer takes some 550 bytes and 52 values: both limits have room for 75 configurations on
/// the 7,983 questions of CoQA's development set.
inline constexpr std::uintmax_t largest_run_file = std::uintmax_t{512} << 20U;
inline constexpr JsonLimits run_file_limits = {.values = 32'000'000};
/// Values of one run beside its tensors, answers and windows, which are read one by one: some hundred.
inline constexpr std::size_t most_values_of_run = 1'000'000;
inline constexpr std::size_t most_runs_of_file = 10'000;

/// A request alone: its overrides may name every tensor of a model.
inline constexpr JsonLimits request_limits = {.values = 200'000};

}  // namespace quantscope
