// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractItemModel>
#include <QString>

namespace quantscope::ui {

/// The number behind a cell (a double), for sorting and exports; models answer it for Qt::UserRole.
inline constexpr int value_role = Qt::UserRole;

/// Quoted where RFC 4180 asks for it.
QString csv_field(const QString& text);
/// A table with its headers. Cells that have a value_role number give that, others their text.
QString table_csv(const QAbstractItemModel& model);
/// What is selected (or everything), tab-separated with headers, as shown: for the clipboard.
QString table_clipboard(const QAbstractItemModel& model, const QModelIndexList& selected);

}  // namespace quantscope::ui
