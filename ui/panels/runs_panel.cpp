// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/runs_panel.h"

#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QTableView>

#include "core/report/tables.h"
#include "ui/models/cli_command.h"
#include "ui/models/format.h"
#include "ui/models/runs_model.h"
#include "ui/models/table_text.h"
#include "ui/window/save_file.h"

namespace quantscope::ui {

RunsPanel::RunsPanel(RunsModel& runs, QWidget* parent)
    : QWidget(parent),
      runs_(runs),
      order_(new RunsOrder(runs, this)),
      table_(new QTableView(this)),
      filter_(new QLineEdit(this)),
      scorer_(new QComboBox(this)),
      empty_(new QLabel(tr("No runs yet. Press Compare all (Ctrl+Return) or Run (Ctrl+R)."), this)),
      workspace_(new QLabel(this)) {
  table_->setModel(order_);
  table_->setAccessibleName(tr("Runs"));
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSortingEnabled(true);
  table_->sortByColumn(-1, Qt::AscendingOrder);
  table_->setAlternatingRowColors(true);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  table_->verticalHeader()->hide();
  table_->setWordWrap(false);
  table_->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
  table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  table_->installEventFilter(this);
  filter_->setPlaceholderText(tr("Filter runs"));
  filter_->setAccessibleName(tr("Filter runs"));
  filter_->setClearButtonEnabled(true);
  scorer_->setAccessibleName(tr("Scorer"));
  scorer_->setToolTip(tr("How an answer is scored against several references; all three are computed."));
  for (const Scorer scorer : {Scorer::lm_eval, Scorer::official, Scorer::max})
    scorer_->addItem(to_qt(scorer_label(scorer)));

  workspace_->setObjectName(QStringLiteral("workspace_summary"));
  workspace_->setAccessibleName(tr("Workspace"));
  workspace_->hide();

  auto* top = new QHBoxLayout;
  top->addWidget(workspace_);
  top->addWidget(filter_, 1);
  auto* scorer_label_widget = new QLabel(tr("Scorer"), this);
  scorer_label_widget->setBuddy(scorer_);
  top->addWidget(scorer_label_widget);
  top->addWidget(scorer_);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(top);
  layout->addWidget(table_);
  empty_->setAlignment(Qt::AlignCenter);
  layout->addWidget(empty_, 1);
  connect(&runs_, &RunsModel::changed, this, &RunsPanel::show_emptiness);
  show_emptiness();
  connect(filter_, &QLineEdit::textChanged, order_, &QSortFilterProxyModel::setFilterFixedString);
  connect(scorer_, &QComboBox::currentIndexChanged, this,
          [this](int index) { runs_.set_scorer(static_cast<Scorer>(index)); });
  connect(table_, &QTableView::customContextMenuRequested, this, &RunsPanel::show_menu);
}

void RunsPanel::set_workspace(const QString& summary) {
  workspace_->setText(fontMetrics().elidedText(summary, Qt::ElideMiddle, 80 * fontMetrics().averageCharWidth()));
  workspace_->setToolTip(summary);
  workspace_->setVisible(!summary.isEmpty());
}

void RunsPanel::show_emptiness() {
  empty_->setVisible(runs_.rowCount() == 0);
  table_->setVisible(runs_.rowCount() > 0);
}

int RunsPanel::row_height() const { return table_->verticalHeader()->defaultSectionSize(); }

void RunsPanel::show_run(RunId id) {
  for (int row = 0; row < order_->rowCount(); ++row) {
    const QModelIndex index = order_->index(row, 0);
    if (runs_.at(order_->mapToSource(index).row()).id == id) table_->scrollTo(index);
  }
}

RunId RunsPanel::current_run() const {
  const QModelIndex index = table_->currentIndex();
  return index.isValid() ? runs_.at(order_->mapToSource(index).row()).id : 0;
}

void RunsPanel::copy_selection() {
  QGuiApplication::clipboard()->setText(table_clipboard(*order_, table_->selectionModel()->selectedIndexes()));
}

bool RunsPanel::eventFilter(QObject* watched, QEvent* event) {
  if (event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->matches(QKeySequence::Copy)) {
    copy_selection();
    return true;
  }
  return QWidget::eventFilter(watched, event);
}

void RunsPanel::show_menu(const QPoint& position) {
  const RunEntry* entry = runs_.find(current_run());
  QMenu menu(this);
  menu.setToolTipsVisible(true);
  if (entry != nullptr) add_run_actions(menu, *entry);
  menu.addAction(tr("Copy with headers"), this, &RunsPanel::copy_selection);
  menu.addAction(tr("Export as CSV…"), this, &RunsPanel::export_csv);
  if (entry != nullptr) {
    menu.addSeparator();
    const bool kept = !entry->workspace.isEmpty();
    QAction* remove =
        menu.addAction(kept ? tr("Hide") : tr("Delete"), this, [this, id = entry->id] { runs_.remove(id); });
    if (kept) remove->setToolTip(tr("It stays in the workspace and is there when that is opened again."));
    remove->setEnabled(entry->ended() || entry->stage == RunEntry::Stage::queued);
  }
  menu.exec(table_->viewport()->mapToGlobal(position));
}

void RunsPanel::add_run_actions(QMenu& menu, const RunEntry& entry) {
  const RunId id = entry.id;
  menu.addAction(tr("Pin as baseline"), this, [this, id] { runs_.pin(id); });
  if (is_imported(entry)) {
    QAction* again = menu.addAction(tr("Run again"));
    again->setEnabled(false);
    again->setToolTip(tr("Another program made these answers."));
  } else if (entry.workspace.isEmpty()) {
    menu.addAction(tr("Run again"), this, [this, request = entry.request] { Q_EMIT run_again(request); });
  } else {
    QAction* go_on = menu.addAction(tr("Resume"), this, [this, id] { Q_EMIT resume(id); });
    go_on->setEnabled(entry.stage == RunEntry::Stage::stopped || entry.stage == RunEntry::Stage::failed);
    if (!go_on->isEnabled())
      go_on->setToolTip(tr("Only what has not finished goes on; what a workspace keeps is not computed again."));
  }
  menu.addAction(tr("Use its settings"), this,
                 [this, settings = entry.request.settings] { Q_EMIT settings_wanted(settings); });
  menu.addSeparator();
  menu.addAction(tr("Copy as command"), this,
                 [request = entry.request] { QGuiApplication::clipboard()->setText(cli_command(request)); });
}

void RunsPanel::export_csv() {
  save_text_as(this, QString::fromStdString(runs_csv(runs_.results())), QStringLiteral("runs.csv"));
}

}  // namespace quantscope::ui
