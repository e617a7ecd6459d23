// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/levels_page.h"

#include <QHeaderView>
#include <QTableWidget>
#include <QVBoxLayout>
#include <array>

#include "ui/charts/chart_view.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/format.h"

namespace quantscope::ui {
namespace {

constexpr std::array<DataType, 4> rows = {DataType::nf4, DataType::int4, DataType::fp4, DataType::int8};
constexpr std::array<std::int64_t, 5> columns = {32, 64, 128, 256, 1024};

}  // namespace

LevelsPage::LevelsPage(QWidget* parent) : Page({}, parent), errors_(new QTableWidget(this)) {
  show_chart(levels_chart());
  errors_->setAccessibleName(tr("Expected relative errors by data type and block size"));
  errors_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  errors_->setRowCount(static_cast<int>(rows.size()));
  errors_->setColumnCount(static_cast<int>(columns.size()));
  fill_errors();
  errors_->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  errors_->setFixedHeight(errors_->horizontalHeader()->sizeHint().height() +
                          static_cast<int>(rows.size()) * errors_->rowHeight(0) + 4);
  body()->addWidget(errors_);
}

void LevelsPage::fill_errors() {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const LevelTable table = level_table(rows[row]);
    auto* header = new QTableWidgetItem(type_icon(rows[row]), QString::fromStdString(table.name));
    errors_->setVerticalHeaderItem(static_cast<int>(row), header);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      const double error = 100 * expected_relative_error(table, columns[column]);
      auto* item = new QTableWidgetItem(QStringLiteral("%1 %").arg(error, 0, 'f', 2));
      item->setTextAlignment(Qt::AlignCenter);
      item->setToolTip(tr("Expected relative error of normal weights in blocks of %1.").arg(columns[column]));
      errors_->setItem(static_cast<int>(row), static_cast<int>(column), item);
    }
  }
  for (std::size_t column = 0; column < columns.size(); ++column)
    errors_->setHorizontalHeaderItem(static_cast<int>(column),
                                     new QTableWidgetItem(tr("expected error, block %1").arg(columns[column])));
}

}  // namespace quantscope::ui
