// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "core/report/report.h"

namespace quantscope {

/// The report as one page: the table, what the differences support, the charts (read from `folder`) with the sentence
/// that each supports, layer sensitivity, protocols and caveats. It needs no other file and no network.
std::string report_html(const ReportContent& content, const std::filesystem::path& folder, const DrawnCharts& charts);

}  // namespace quantscope
