// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/tensors_model.h"

#include <QStringList>
#include <array>

#include "ui/models/format.h"
#include "ui/models/table_text.h"

namespace quantscope::ui {
namespace {

QString shape_text(const TensorInfo& tensor) {
  QStringList sizes;
  for (const std::int64_t size : tensor.shape) sizes << QString::number(size);
  return sizes.join(QStringLiteral(" × "));
}

}  // namespace

int TensorsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() || checkpoint_ == nullptr ? 0 : static_cast<int>(checkpoint_->tensors().size());
}

int TensorsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : column_count; }

QVariant TensorsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const auto column = static_cast<Column>(index.column());
  const TensorInfo& info = *tensor(index.row());
  if (role == value_role) return value(index.row(), column);
  if (role == Qt::TextAlignmentRole) return column < count ? QVariant() : QVariant(Qt::AlignRight | Qt::AlignVCenter);
  if (role == Qt::ToolTipRole && column == name)
    return wrapped_tip(tr("%1, stored as %2 (%3 MiB)")
                           .arg(QString::fromStdString(info.name), QString::fromStdString(info.stored_name),
                                format_mib(static_cast<std::int64_t>(info.bytes))));
  if (role != Qt::DisplayRole) return {};
  switch (column) {
    case name: return QString::fromStdString(info.name);
    case shape: return shape_text(info);
    case stored: return to_qt(stored_form(info));
    case count: return format_count(info.count());
    default: break;
  }
  const QVariant number = value(index.row(), column);
  if (!number.isValid()) return QString();
  return column == outliers ? format_count(number.toLongLong()) : format_number(number.toDouble());
}

QVariant TensorsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
  if (role == Qt::ToolTipRole && section == outliers)
    return tr("Values more than 6 standard deviations from the mean.");
  if (role == Qt::ToolTipRole && section == error)
    return tr("||decoded − source|| / ||source|| under the settings on the left.");
  if (role != Qt::DisplayRole) return {};
  const std::array<QString, column_count> titles = {
      tr("Tensor"), tr("Shape"), tr("Stored"), tr("Values"),          tr("Min"),      tr("Max"),
      tr("Mean"),   tr("Std"),   tr("Skew"),   tr("Excess kurtosis"), tr("Outliers"), tr("Relative error")};
  return titles[static_cast<std::size_t>(section)];
}

void TensorsModel::set_checkpoint(std::shared_ptr<const Checkpoint> checkpoint) {
  beginResetModel();
  checkpoint_ = std::move(checkpoint);
  known_.clear();
  endResetModel();
}

void TensorsModel::set_preview(const QString& tensor_name, const TensorPreview& preview) {
  const int row = row_of(tensor_name);
  if (row < 0) return;
  Known known{preview.source, preview.error};
  known.statistics.histogram.counts.clear();
  known_.insert(tensor_name, std::move(known));
  Q_EMIT dataChanged(index(row, 0), index(row, column_count - 1));
}

void TensorsModel::forget_errors() {
  for (Known& known : known_) known.error.reset();
  if (rowCount() > 0) Q_EMIT dataChanged(index(0, error), index(rowCount() - 1, error));
}

const TensorInfo* TensorsModel::tensor(int row) const {
  return row < 0 || row >= rowCount() ? nullptr : &checkpoint_->tensors()[static_cast<std::size_t>(row)];
}

int TensorsModel::row_of(const QString& tensor_name) const {
  for (int row = 0; row < rowCount(); ++row)
    if (tensor(row)->name == tensor_name.toStdString()) return row;
  return -1;
}

QVariant TensorsModel::value(int row, Column column) const {
  const TensorInfo& info = *tensor(row);
  if (column == count) return static_cast<double>(info.count());
  const auto found = known_.constFind(QString::fromStdString(info.name));
  if (found == known_.constEnd()) return {};
  const TensorStatistics& statistics = found->statistics;
  switch (column) {
    case minimum: return statistics.minimum;
    case maximum: return statistics.maximum;
    case mean: return statistics.mean;
    case deviation: return statistics.standard_deviation;
    case skewness: return statistics.skewness;
    case kurtosis: return statistics.excess_kurtosis;
    case outliers: return static_cast<double>(statistics.outliers);
    case error: return found->error ? QVariant(found->error->relative_error) : QVariant();
    default: return {};
  }
}

TensorsOrder::TensorsOrder(QObject* parent) : QSortFilterProxyModel(parent) {
  setFilterKeyColumn(TensorsModel::name);
  setFilterCaseSensitivity(Qt::CaseInsensitive);
}

bool TensorsOrder::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const QVariant a = left.data(value_role), b = right.data(value_role);
  if (a.isValid() && b.isValid()) return a.toDouble() < b.toDouble();
  if (a.isValid() != b.isValid()) return (sortOrder() == Qt::AscendingOrder) == a.isValid();  // unknown last
  return left.row() < right.row();
}

}  // namespace quantscope::ui
