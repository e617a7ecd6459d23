// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/run_entry.h"
#include "ui/theme/type_style.h"

/// What tells runs apart in tables and charts.
namespace quantscope::ui {

/// The configuration in words, or the name of the file that the answers were imported from.
QString run_label(const RunEntry& run);
QColor run_color(const RunEntry& run);
Marker run_marker(const RunEntry& run);

}  // namespace quantscope::ui
