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

#include "core/experiment/report.h"
#include "ui/models/format.h"
#include "ui/models/run_cells.h"
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
      empty_(new QLabel(tr("No runs yet. Press Compare all (Ctrl+Return) or Run (Ctrl+R)."), this)) {
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

  auto* top = new QHBoxLayout;
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

void RunsPanel::show_emptiness() {
  empty_->setVisible(runs_.rowCount() == 0);
  table_->setVisible(runs_.rowCount() > 0);
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
  const RunId id = current_run();
  const RunEntry* entry = runs_.find(id);
  QMenu menu(this);
  if (entry != nullptr) {
    menu.addAction(tr("Pin as baseline"), this, [this, id] { runs_.pin(id); });
    menu.addAction(tr("Run again"), this, [this, request = entry->request] { Q_EMIT run_again(request); });
    menu.addAction(tr("Use its settings"), this,
                   [this, settings = entry->request.settings] { Q_EMIT settings_wanted(settings); });
    menu.addSeparator();
    menu.addAction(tr("Copy as command"), this,
                   [request = entry->request] { QGuiApplication::clipboard()->setText(cli_command(request)); });
  }
  menu.addAction(tr("Copy with headers"), this, &RunsPanel::copy_selection);
  menu.addAction(tr("Export as CSV…"), this, &RunsPanel::export_csv);
  if (entry != nullptr) {
    menu.addSeparator();
    QAction* remove = menu.addAction(tr("Delete"), this, [this, id] { runs_.remove(id); });
    remove->setEnabled(entry->ended() || entry->stage == RunEntry::Stage::queued);
  }
  menu.exec(table_->viewport()->mapToGlobal(position));
}

void RunsPanel::export_csv() {
  save_text_as(this, QString::fromStdString(runs_csv(runs_.results())), QStringLiteral("runs.csv"));
}

}  // namespace quantscope::ui
