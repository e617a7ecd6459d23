// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/runs_model.h"

#include <QFont>
#include <algorithm>
#include <array>
#include <iterator>

#include "ui/models/format.h"
#include "ui/models/run_cells.h"
#include "ui/models/run_style.h"
#include "ui/models/table_text.h"

namespace quantscope::ui {

int RunsModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(entries_.size());
}

int RunsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : column_count; }

QVariant RunsModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const RunEntry& entry = at(index.row());
  const auto column = static_cast<Column>(index.column());
  const bool is_baseline = entry.id == baseline_;
  switch (role) {
    case Qt::DisplayRole: return text(entry, column);
    case value_role: return value(entry, column);
    case Qt::ToolTipRole: return tool_tip(entry, column);
    case Qt::AccessibleTextRole:
      return headerData(column, Qt::Horizontal, Qt::DisplayRole).toString() + u' ' + text(entry, column);
    case Qt::DecorationRole:
      return column == configuration ? marker_icon(run_marker(entry), run_color(entry)) : QVariant();
    case Qt::TextAlignmentRole:
      return column == configuration || column == difference || column == state
                 ? QVariant()
                 : QVariant(Qt::AlignRight | Qt::AlignVCenter);
    case Qt::FontRole: {
      QFont font;
      font.setBold(is_baseline);
      return is_baseline ? QVariant(font) : QVariant();
    }
    default: return {};
  }
}

QVariant RunsModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= column_count) return {};
  if (role == Qt::DisplayRole) {
    const std::array<QString, column_count> titles = {tr("Configuration"),
                                                      tr("Weights (MiB)"),
                                                      tr("As reported (MiB)"),
                                                      tr("Bits/weight"),
                                                      tr("F1 (%)"),
                                                      tr("EM (%)"),
                                                      tr("F1 difference (points)"),
                                                      tr("Perplexity"),
                                                      tr("KL divergence (nats)"),
                                                      tr("Tokens/s"),
                                                      tr("State")};
    return titles[static_cast<std::size_t>(section)];
  }
  if (role == Qt::ToolTipRole) return wrapped_tip(run_column_help(section));
  return {};
}

RunId RunsModel::add(RunEntry entry) {
  entry.id = next_id_++;
  const RunId id = entry.id;
  const int row = rowCount();
  beginInsertRows({}, row, row);
  if (entries_.empty()) baseline_ = id;
  entries_.push_back(std::move(entry));
  endInsertRows();
  name_models();
  if (baseline_ == id) Q_EMIT pinned(id);
  Q_EMIT changed();
  return id;
}

void RunsModel::replace(std::vector<RunEntry> entries) {
  beginResetModel();
  for (RunEntry& entry : entries) entry.id = next_id_++;
  entries_.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  baseline_ = entries_.empty() ? 0 : entries_.front().id;
  tell_models_apart(entries_);
  endResetModel();
  if (baseline_ != 0) Q_EMIT pinned(baseline_);
  Q_EMIT changed();
}

void RunsModel::update(RunId id, const std::function<void(RunEntry&)>& change) {
  const int row = row_of(id);
  if (row < 0) return;
  RunEntry& entry = entries_[static_cast<std::size_t>(row)];
  const std::shared_ptr<const RunResult> before = entry.result;
  change(entry);
  Q_EMIT dataChanged(index(row, 0), index(row, column_count - 1));
  if (entry.result != before) name_models();
  Q_EMIT changed();
}

void RunsModel::remove(RunId id) {
  const int row = row_of(id);
  if (row < 0) return;
  beginRemoveRows({}, row, row);
  entries_.erase(entries_.begin() + row);
  endRemoveRows();
  name_models();
  if (id == baseline_ && !entries_.empty()) pin(entries_.front().id);
  Q_EMIT changed();
}

void RunsModel::name_models() {
  tell_models_apart(entries_);
  if (!entries_.empty()) Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, weights));
}

void RunsModel::pin(RunId id) {
  if (row_of(id) < 0) return;
  baseline_ = id;
  for (RunEntry& entry : entries_) entry.pairs = {};
  Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, column_count - 1));
  Q_EMIT pinned(id);
  Q_EMIT changed();
}

void RunsModel::set_scorer(Scorer scorer) {
  if (scorer == scorer_) return;
  scorer_ = scorer;
  pin(baseline_);
}

const RunEntry* RunsModel::find(RunId id) const {
  const int row = row_of(id);
  return row < 0 ? nullptr : &at(row);
}

void RunsModel::note_report() {
  for (RunEntry& entry : entries_) entry.in_report |= entry.has_result();
}

std::vector<RunResult> RunsModel::results() const {
  std::vector<RunResult> results;
  const RunEntry* first = baseline();
  if (first != nullptr && first->has_result()) results.push_back(*first->result);
  for (const RunEntry& entry : entries_)
    if (&entry != first && entry.has_result()) results.push_back(*entry.result);
  quantscope::tell_models_apart(results);
  return results;
}

int RunsModel::row_of(RunId id) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const RunEntry& entry) { return entry.id == id; });
  return found == entries_.end() ? -1 : static_cast<int>(found - entries_.begin());
}

QString RunsModel::text(const RunEntry& entry, Column column) const {
  return run_cell_text(entry, baseline(), scorer_, column);
}

QVariant RunsModel::value(const RunEntry& entry, Column column) const { return run_cell_value(entry, scorer_, column); }

QString RunsModel::tool_tip(const RunEntry& entry, Column column) const {
  return wrapped_tip(run_cell_help(entry, column));
}

RunsOrder::RunsOrder(RunsModel& model, QObject* parent) : QSortFilterProxyModel(parent), model_(model) {
  setSourceModel(&model);
  setSortRole(value_role);
  setFilterKeyColumn(-1);
  setFilterCaseSensitivity(Qt::CaseInsensitive);
  connect(&model, &RunsModel::pinned, this, [this] { invalidate(); });
}

bool RunsOrder::lessThan(const QModelIndex& left, const QModelIndex& right) const {
  const RunEntry* baseline = model_.baseline();
  if (baseline != nullptr) {
    const bool left_pinned = model_.at(left.row()).id == baseline->id,
               right_pinned = model_.at(right.row()).id == baseline->id;
    if (left_pinned != right_pinned) return (sortOrder() == Qt::AscendingOrder) == left_pinned;
  }
  const QVariant a = left.data(value_role), b = right.data(value_role);
  const bool a_number = a.userType() == QMetaType::Double, b_number = b.userType() == QMetaType::Double;
  if (a_number && b_number) return a.toDouble() < b.toDouble();
  if (a_number != b_number) return (sortOrder() == Qt::AscendingOrder) == a_number;  // empty cells last
  return left.data().toString().localeAwareCompare(right.data().toString()) < 0;
}

}  // namespace quantscope::ui
