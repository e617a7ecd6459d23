// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/table_text.h"

#include <QSet>
#include <QStringList>
#include <functional>

namespace quantscope::ui {
namespace {

using CellText = std::function<QString(const QModelIndex&)>;

QStringList header_texts(const QAbstractItemModel& model) {
  QStringList headers;
  for (int column = 0; column < model.columnCount(); ++column)
    headers << model.headerData(column, Qt::Horizontal).toString().replace(QLatin1Char('\n'), QLatin1Char(' '));
  return headers;
}

QStringList row_texts(const QAbstractItemModel& model, int row, const CellText& text) {
  QStringList cells;
  for (int column = 0; column < model.columnCount(); ++column) cells << text(model.index(row, column));
  return cells;
}

QString export_text(const QModelIndex& index) {
  const QVariant value = index.data(value_role);
  if (value.userType() == QMetaType::Double) return QString::number(value.toDouble(), 'g', 17);
  return csv_field(index.data().toString());
}

}  // namespace

QString csv_field(const QString& text) {
  static const QString special = QStringLiteral(",\"\r\n");
  for (const QChar character : text)
    if (special.contains(character))
      return QLatin1Char('"') + QString(text).replace(QLatin1Char('"'), QLatin1String("\"\"")) + QLatin1Char('"');
  return text;
}

QString table_csv(const QAbstractItemModel& model) {
  QStringList headers = header_texts(model);
  for (QString& header : headers) header = csv_field(header);
  QString text = headers.join(QLatin1Char(',')) + QLatin1Char('\n');
  for (int row = 0; row < model.rowCount(); ++row)
    text += row_texts(model, row, export_text).join(QLatin1Char(',')) + QLatin1Char('\n');
  return text;
}

QString table_clipboard(const QAbstractItemModel& model, const QModelIndexList& selected) {
  QSet<int> rows;
  for (const QModelIndex& index : selected) rows << index.row();
  QString text = header_texts(model).join(QLatin1Char('\t')) + QLatin1Char('\n');
  for (int row = 0; row < model.rowCount(); ++row) {
    if (!rows.isEmpty() && !rows.contains(row)) continue;
    const auto shown = [](const QModelIndex& index) { return index.data().toString(); };
    text += row_texts(model, row, shown).join(QLatin1Char('\t')) + QLatin1Char('\n');
  }
  return text;
}

}  // namespace quantscope::ui
