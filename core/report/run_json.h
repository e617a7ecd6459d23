// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/experiment/run_result.h"

namespace quantscope {

/// {"schema": 1, "runs": [...]}: run.json, everything to repeat the report.
std::string runs_json(std::span<const RunResult> runs);
Result<std::vector<RunResult>> runs_from_json(std::string_view json);

/// One result as a JSON object, full precision; the field names of the command line's documentation.
std::string to_json(const RunResult& result);
Result<RunResult> run_result_from_json(std::string_view json);

}  // namespace quantscope
