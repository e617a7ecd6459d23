// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <span>

#include "core/experiment/run_result.h"

namespace quantscope {

/// Writes the tables and run.json into `folder` (created if missing). Charts are drawn by the window program;
/// report.html comes after them (html_page.h).
Result<void> write_report(const std::filesystem::path& folder, std::span<const RunResult> runs);

}  // namespace quantscope
