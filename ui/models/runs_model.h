// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>
#include <deque>
#include <functional>

#include "ui/models/run_entry.h"

namespace quantscope::ui {

/// The runs table. One row per configuration; differences are against the pinned baseline.
class RunsModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column {
    configuration,
    weights,
    reported,
    bits,
    f1,
    em,
    difference,
    perplexity,
    divergence,
    speed,
    state,
    column_count
  };

  explicit RunsModel(QObject* parent = nullptr) : QAbstractTableModel(parent) {}

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  /// The first entry becomes the baseline. Gives the entry its id.
  RunId add(RunEntry entry);
  /// These rows instead of all there are.
  void replace(std::vector<RunEntry> entries);
  void update(RunId id, const std::function<void(RunEntry&)>& change);
  void remove(RunId id);
  void pin(RunId id);
  void set_scorer(Scorer scorer);

  const std::deque<RunEntry>& entries() const { return entries_; }
  const RunEntry* find(RunId id) const;
  const RunEntry* baseline() const { return find(baseline_); }
  const RunEntry& at(int row) const { return entries_[static_cast<std::size_t>(row)]; }
  Scorer scorer() const { return scorer_; }
  /// Notes that a report holds all results of now.
  void note_report();
  /// Runs that have a result, the baseline first: what reports are made of.
  std::vector<RunResult> results() const;

 Q_SIGNALS:
  void pinned(RunId id);
  /// Anything a chart may show.
  void changed();

 private:
  int row_of(RunId id) const;
  /// Rows and their model's names go together.
  void name_models();
  QString text(const RunEntry& entry, Column column) const;
  QVariant value(const RunEntry& entry, Column column) const;
  QString tool_tip(const RunEntry& entry, Column column) const;

  std::deque<RunEntry> entries_;
  RunId next_id_ = 1;
  RunId baseline_ = 0;
  Scorer scorer_ = Scorer::lm_eval;
};

/// Sorts by numbers and keeps the baseline on top; the filter is text in any column.
class RunsOrder : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit RunsOrder(RunsModel& model, QObject* parent = nullptr);

 protected:
  bool lessThan(const QModelIndex& left, const QModelIndex& right) const override;

 private:
  const RunsModel& model_;
};

}  // namespace quantscope::ui
