// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QVariant>

#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// Cells of the runs table; `column` is a RunsModel::Column. `baseline` may be null.
QString run_cell_text(const RunEntry& entry, const RunEntry* baseline, Scorer scorer, int column);
/// The number to sort by and to export, or an invalid variant where there is none.
QVariant run_cell_value(const RunEntry& entry, Scorer scorer, int column);
/// What stands behind the number.
QString run_cell_help(const RunEntry& entry, int column);
QString run_column_help(int column);

}  // namespace quantscope::ui
