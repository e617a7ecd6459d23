// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

#include "core/report/report.h"

namespace quantscope::cli {

/// The whole report. Its charts are drawn by the window program beside this one; where that is missing, standard error
/// says so.
Result<void> write_report_folder(const std::filesystem::path& folder, ReportContent content);

}  // namespace quantscope::cli
