// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QHash>
#include <QSortFilterProxyModel>
#include <memory>

#include "core/experiment/tensor_preview.h"

namespace quantscope::ui {

/// The checkpoint's tensors with their statistics, as far as these are known.
class TensorsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    name,
    shape,
    stored,
    count,
    minimum,
    maximum,
    mean,
    deviation,
    skewness,
    kurtosis,
    outliers,
    error,
    column_count
  };

  explicit TensorsModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  void set_checkpoint(std::shared_ptr<const Checkpoint> checkpoint);
  /// Moments and the error figure are kept, histograms are not.
  void set_preview(const QString& tensor, const TensorPreview& preview);
  /// The error figures belong to other settings now.
  void forget_errors();
  const TensorInfo* tensor(int row) const;
  int row_of(const QString& tensor) const;

 private:
  struct Known {
    TensorStatistics statistics;
    std::optional<QuantizationError> error;
  };
  QVariant value(int row, Column column) const;

  std::shared_ptr<const Checkpoint> checkpoint_;
  QHash<QString, Known> known_;
};

/// Filters by name and sorts by numbers.
class TensorsOrder : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit TensorsOrder(QObject* parent = nullptr);

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;
};

}  // namespace quantscope::ui
