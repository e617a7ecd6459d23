// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/main_window.h"
#include "core/experiment/devices.h"

#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QScrollArea>
#include <QSettings>
#include <QShortcut>
#include <QStatusBar>
#include <QTabWidget>
#include <QUrl>

#include "ui/models/result_rows.h"
#include "ui/pages/levels_page.h"
#include "ui/pages/result_pages.h"
#include "ui/pages/weights_page.h"
#include "ui/panels/checkpoint_panel.h"
#include "ui/panels/configuration_panel.h"
#include "ui/panels/data_panel.h"
#include "ui/panels/glossary_panel.h"
#include "ui/panels/runs_panel.h"
#include "ui/window/actions.h"
#include "ui/window/error_box.h"
#include "ui/window/job_bar.h"
#include "ui/window/recent_files.h"
#include "ui/window/report_export.h"
#include "ui/window/run_control.h"
#include "ui/window/workspace_control.h"

namespace quantscope::ui {
namespace {

constexpr int layout_version = 1;  // a saved layout of another version is ignored
constexpr int message_ms = 10000;  // how long the status bar shows what happened

}  // namespace

MainWindow::MainWindow(const ResourcePaths& resources, QWidget* parent)
    : QMainWindow(parent),
      resources_(resources),
      session_(available_devices()),
      queue_(resources, runs_),
      control_(new RunControl(session_, runs_, queue_, previews_, this)),
      workspace_(new WorkspaceControl(runs_, queue_, this)),
      actions_(new Actions(this)) {
  update_title();
  setWindowIcon(QIcon(QStringLiteral(":/icons/quantscope.svg")));
  setAcceptDrops(true);
  resize(1440, 900);
  build_pages();
  build_panels();
  build_menus();
  build_toolbar();
  job_bar_ = new JobBar(session_.device(), this);
  statusBar()->addPermanentWidget(job_bar_, 1);
  // The job bar takes the whole width, so that it has to show what the status bar is told.
  connect(statusBar(), &QStatusBar::messageChanged, job_bar_, &JobBar::show_message);
  connect_actions();
  connect_workers();
  connect_workspace();
  update_actions();
  first_layout_ = saveState(layout_version);
  QSettings settings;
  restoreGeometry(settings.value(QStringLiteral("window/geometry")).toByteArray());
  restoreState(settings.value(QStringLiteral("window/layout")).toByteArray(), layout_version);
  checkpoint_->set_recent(recent_checkpoints());
}

MainWindow::~MainWindow() {
  // The undo stack still speaks while it is destroyed, when other members are gone already.
  for (QObject* part : std::initializer_list<QObject*>{&session_, &session_.undo_stack(), &runs_, &previews_, &queue_})
    part->disconnect(this);
  // Pages and panels look at session, runs and workers, which are members and would be gone before child widgets.
  delete takeCentralWidget();
  qDeleteAll(docks_);
}

void MainWindow::open_checkpoint(const QString& model) {
  if (model != QLatin1String("default")) {
    opening_ = QFileInfo(model).absoluteFilePath();  // requests are repeated from other folders
    previews_.open(opening_);
    return;
  }
  opening_ = model;
  const auto path = default_model_path(resources_);
  if (path)
    previews_.open(QString::fromStdString(path->string()));
  else
    Q_EMIT open_failed(path.error());
}

void MainWindow::open_runs(const QString& path) {
  const auto runs = read_runs(path);
  if (!runs) {
    show_error(this, runs.error());
    return;
  }
  for (const RunResult& run : *runs) {
    RunEntry row = row_of(run);
    row.in_report = true;
    runs_.add(std::move(row));
  }
  if (!runs->empty()) session_.set_settings(runs->front().request.settings);
}

void MainWindow::open_path(const QString& path) {
  if (is_workspace_path(path))
    workspace_->open(path);
  else if (QFileInfo(path).fileName() == QLatin1String("run.json"))
    open_runs(path);
  else
    open_checkpoint(path);
}

void MainWindow::show_page(int index) { tabs_->setCurrentIndex(index); }

void MainWindow::show_results() { tabs_->setCurrentWidget(session_.tasks().questions ? accuracy_ : divergence_); }

void MainWindow::build_pages() {
  tabs_ = new QTabWidget(this);
  tabs_->setDocumentMode(true);
  weights_ = new WeightsPage(session_, previews_, this);
  accuracy_ = new AccuracyPage(runs_, this);
  divergence_ = new DivergencePage(runs_, this);
  const auto add = [this](Page* page, const QString& title, const QString& question) {
    const int index = tabs_->addTab(page, title);
    tabs_->setTabToolTip(index, question);
    pages_ << page;
    auto* shortcut = new QShortcut(QKeySequence(QStringLiteral("Ctrl+%1").arg(index + 1)), this);
    connect(shortcut, &QShortcut::activated, this, [this, index] { show_page(index); });
  };
  add(weights_, tr("Weights"), tr("How are the weights distributed, and where do the levels fall?"));
  add(new LevelsPage(this), tr("Levels"), tr("Why NF4 and not INT4?"));
  add(new MemoryPage(runs_, session_, this), tr("Memory"), tr("Where do the bytes go?"));
  add(accuracy_, tr("Accuracy"), tr("Is the difference real?"));
  add(divergence_, tr("Divergence"), tr("How far are the predictions from those of the base?"));
  setCentralWidget(tabs_);
}

QDockWidget* MainWindow::add_panel(const QString& id, const QString& title, QWidget* widget, Qt::DockWidgetArea area,
                                   bool scrolls) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(id);
  if (scrolls) {
    auto* scroll = new QScrollArea(dock);
    scroll->setWidget(widget);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    dock->setWidget(scroll);
  } else {
    dock->setWidget(widget);
  }
  addDockWidget(area, dock);
  docks_ << dock;
  return dock;
}

void MainWindow::build_panels() {
  setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
  setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
  setDockNestingEnabled(true);
  checkpoint_ = new CheckpointPanel(session_, this);
  configuration_ = new ConfigurationPanel(session_, this);
  runs_panel_ = new RunsPanel(runs_, this);
  auto* glossary =
      new GlossaryPanel(read_glossary(QString::fromStdString((resources_.resources / "glossary.json").string())), this);
  QDockWidget* model =
      add_panel(QStringLiteral("checkpoint"), tr("Checkpoint"), checkpoint_, Qt::LeftDockWidgetArea, true);
  QDockWidget* settings =
      add_panel(QStringLiteral("configuration"), tr("Configuration"), configuration_, Qt::LeftDockWidgetArea, false);
  QDockWidget* tasks =
      add_panel(QStringLiteral("data"), tr("Data"), new DataPanel(session_, this), Qt::LeftDockWidgetArea, true);
  QDockWidget* runs = add_panel(QStringLiteral("runs"), tr("Runs"), runs_panel_, Qt::BottomDockWidgetArea, false);
  QDockWidget* terms = add_panel(QStringLiteral("glossary"), tr("Glossary"), glossary, Qt::RightDockWidgetArea, false);
  tabifyDockWidget(settings, tasks);
  settings->raise();
  terms->hide();
  resizeDocks({model, settings}, {260, 560}, Qt::Vertical);
  resizeDocks({model}, {370}, Qt::Horizontal);
  resizeDocks({runs}, {11 * runs_panel_->row_height()}, Qt::Vertical);  // all rows of Compare all
  connect(configuration_, &ConfigurationPanel::field_entered, glossary, &GlossaryPanel::show_control);
  for (const GlossaryTerm& term : glossary->terms())
    if (auto* control = configuration_->findChild<QWidget*>(term.control);
        !term.control.isEmpty() && control != nullptr)
      control->setWhatsThis(
          QStringLiteral("<b>%1</b><p>%2</p>").arg(term.brief.toHtmlEscaped(), term.text.toHtmlEscaped()));
}

void MainWindow::connect_workers() {
  connect(&previews_, &Previews::opened, this,
          [this](const QString&, const std::shared_ptr<const Checkpoint>& checkpoint) {
            session_.set_checkpoint(opening_, checkpoint);
            remember_checkpoint(opening_);
            checkpoint_->set_recent(recent_checkpoints());
            update_title();
            Q_EMIT checkpoint_opened();
          });
  connect(&previews_, &Previews::open_failed, this, &MainWindow::open_failed);
  connect(this, &MainWindow::open_failed, this, &MainWindow::report_open_error);
  connect(&previews_, &Previews::preview_failed, this, [this](const Error& error) {
    if (error.code != ErrorCode::cancelled) statusBar()->showMessage(QString::fromStdString(error.message), message_ms);
  });
  connect(&queue_, &RunQueue::status_changed, job_bar_, &JobBar::set_status);
  connect(&queue_, &RunQueue::status_changed, this, &MainWindow::update_actions);
  connect(&queue_, &RunQueue::started, runs_panel_, &RunsPanel::show_run);
  connect(&queue_, &RunQueue::run_failed, this, [this](const Error& error) { show_error(this, error); });
  connect(&runs_, &RunsModel::changed, this, &MainWindow::update_actions);
  connect(&session_, &Session::checkpoint_changed, this, &MainWindow::update_actions);
  connect(&session_, &Session::settings_changed, this, &MainWindow::update_actions);
  connect(&session_, &Session::tasks_changed, this, &MainWindow::update_actions);
  connect(&session_.undo_stack(), &QUndoStack::indexChanged, this, &MainWindow::update_actions);
  connect(&queue_, &RunQueue::run_ended, &previews_, &Previews::ask_devices);
  connect(&previews_, &Previews::devices_known, &session_, &Session::set_devices);
  const auto show_device = [this] { job_bar_->set_device(session_.device()); };
  connect(&session_, &Session::devices_changed, job_bar_, show_device);
  connect(&session_, &Session::settings_changed, job_bar_, show_device);
  connect(checkpoint_, &CheckpointPanel::open_requested, this, &MainWindow::open_checkpoint);
  connect(runs_panel_, &RunsPanel::run_again, control_, &RunControl::run_again);
  connect(runs_panel_, &RunsPanel::settings_wanted, this,
          [this](const Settings& settings) { session_.set_settings(settings); });
  control_->set_question([this](const QString& sentence) {
    return QMessageBox::question(this, tr("More than the free memory"), sentence) == QMessageBox::Yes;
  });
}

void MainWindow::report_open_error(const Error& error) {
  if (opening_ != QLatin1String("default")) {
    show_error(this, error);
    return;
  }
  auto* box = new QMessageBox(QMessageBox::Information, tr("Quantscope"), QString::fromStdString(error.message),
                              QMessageBox::Close, this);
  box->setAttribute(Qt::WA_DeleteOnClose);
  QAbstractButton* other = box->addButton(tr("Open another checkpoint…"), QMessageBox::AcceptRole);
  connect(other, &QAbstractButton::clicked, this, &MainWindow::ask_for_file);
  box->open();
}

void MainWindow::ask_for_file() {
  QSettings settings;
  const QString key = QStringLiteral("folders/checkpoint");
  const QString path = QFileDialog::getOpenFileName(this, tr("Open checkpoint"), settings.value(key).toString(),
                                                    tr("Checkpoints (*.gguf *.json *.safetensors);;All files (*)"));
  if (path.isEmpty()) return;
  settings.setValue(key, QFileInfo(path).absolutePath());
  open_checkpoint(path);
}

void MainWindow::ask_for_folder() {
  QSettings settings;
  const QString key = QStringLiteral("folders/checkpoint");
  const QString path =
      QFileDialog::getExistingDirectory(this, tr("Open checkpoint folder"), settings.value(key).toString());
  if (path.isEmpty()) return;
  settings.setValue(key, path);
  open_checkpoint(path);
}

Result<void> MainWindow::write_report_into(const QString& folder) {
  const std::vector<RunResult> runs = runs_.results();
  auto sensitivities = workspace_->sensitivities();
  if (!sensitivities) return tl::unexpected(sensitivities.error());
  auto written = export_report(folder, {runs, nullptr, std::move(*sensitivities)}, weights_->whole_histogram());
  if (written) runs_.note_report();
  return written;
}

void MainWindow::export_report_to_folder() {
  QSettings settings;
  const QString key = QStringLiteral("folders/report");
  const QString folder =
      QFileDialog::getExistingDirectory(this, tr("Write the report into"), settings.value(key).toString());
  if (folder.isEmpty()) return;
  if (const auto written = write_report_into(folder); !written) {
    show_error(this, written.error());
    return;
  }
  settings.setValue(key, folder);
  statusBar()->showMessage(tr("Report saved to %1").arg(folder), message_ms);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!workspace_->accept_closing()) {
    event->ignore();
    return;
  }
  QSettings settings;
  settings.setValue(QStringLiteral("window/geometry"), saveGeometry());
  settings.setValue(QStringLiteral("window/layout"), saveState(layout_version));
  queue_.stop();
  QMainWindow::closeEvent(event);
}

void MainWindow::changeEvent(QEvent* event) {
  if (event->type() == QEvent::PaletteChange) actions_->recolor(palette().color(QPalette::ButtonText));
  QMainWindow::changeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (event->mimeData()->hasUrls()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QString path = event->mimeData()->urls().value(0).toLocalFile();
  if (!path.isEmpty()) open_path(path);
}

void MainWindow::reset_layout() {
  restoreState(first_layout_, layout_version);
  for (QDockWidget* dock : docks_) dock->setFloating(false);
}

}  // namespace quantscope::ui
