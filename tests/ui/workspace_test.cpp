// SPDX-License-Identifier: GPL-3.0-or-later
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFile>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QSettings>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTest>
#include <QUrl>

#include "core/report/run_json.h"
#include "core/report/tables.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"
#include "ui/models/result_rows.h"
#include "ui/models/workspace_rows.h"
#include "ui/pages/page.h"
#include "ui/window/actions.h"
#include "ui/window/main_window.h"
#include "ui/window/run_control.h"
#include "ui/window/workspace_control.h"

using namespace quantscope;
using namespace quantscope::ui;
using quantscope::testing::TemporaryFolder;
using quantscope::testing::TinyStudy;
using quantscope::testing::value_of;

namespace {

constexpr int patience_ms = 120000;  // generous: sanitizers and busy machines

QString text_of(const std::filesystem::path& path) { return QString::fromStdString(path.string()); }

/// A folder with the tiny model, questions and a text, and where the workspace is to be.
class Study {
  TemporaryFolder folder_;

 public:
  TinyStudy files{folder_.path() / "study"};
  QString workspace = text_of(folder_.path() / "study.quantscope");
  QString at(const char* name) const { return text_of(folder_.path() / name); }
};

void open_workspace(MainWindow& window, const QString& path) {
  QSignalSpy changed(&window.workspace(), &WorkspaceControl::changed);
  window.workspace().open(path);
  QVERIFY(changed.wait(patience_ms));
}

void create_workspace(MainWindow& window, const QString& path) {
  QSignalSpy changed(&window.workspace(), &WorkspaceControl::changed);
  window.workspace().create(path);
  QVERIFY(changed.wait(patience_ms));
}

void wait_until_idle(MainWindow& window) { QTRY_VERIFY_WITH_TIMEOUT(!window.queue().is_busy(), patience_ms); }

void run(MainWindow& window, const Study& study, const char* configuration) {
  window.queue().add(study.files.request(configuration), {});
}

/// What the study's numbers are, as a report says them, without how long they took.
QString numbers(const MainWindow& window) {
  std::vector<RunResult> results = const_cast<MainWindow&>(window).runs().results();
  // How much of a prompt came from a shared prefix depends on which questions were still to ask.
  for (RunResult& run : results)
    if (run.qa)
      for (QaAnswer& answer : run.qa->answers) answer.computed_tokens = 0;
  return QString::fromStdString(questions_csv(results) + chunks_csv(results) + tensors_csv(results) +
                                pairs_csv(results));
}

/// Leaves a run in the file that was stopped at its `answers`th answer.
void interrupt(const Study& study, const char* configuration, int answers) {
  const auto workspace = value_of(Workspace::open(study.workspace.toStdString(), FileAccess::write));
  const RunRequest request = study.files.request(configuration);
  QVERIFY(workspace->plan({&request, 1}).has_value());
  std::stop_source stop;
  RunObserver observer;
  observer.answer = [&](const QaAnswer&) {
    if (--answers == 0) stop.request_stop();
  };
  const auto store = workspace->store();
  const RunResult result =
      value_of(Runner(ResourcePaths::locate()).run(request, observer, stop.get_token(), store.get()));
  QCOMPARE(result.state, RunState::stopped);
  QVERIFY(result.qa && !result.qa->answers.empty() && result.qa->answers.size() < 12);
}

QStringList cells(const MainWindow& window) {
  const RunsModel& runs = const_cast<MainWindow&>(window).runs();
  QStringList texts;
  for (int row = 0; row < runs.rowCount(); ++row)
    for (int column = 0; column < RunsModel::column_count; ++column)
      texts << runs.data(runs.index(row, column), Qt::DisplayRole).toString();
  return texts;
}

}  // namespace

class WorkspaceTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QCoreApplication::setOrganizationName(QStringLiteral("quantscope-test"));
    QCoreApplication::setApplicationName(QStringLiteral("workspace_test"));
  }
  void init() { QSettings().clear(); }

  void what_was_run_is_there_again_when_the_file_is_opened() {
    const Study study;
    QStringList before;
    QString figures;
    {
      MainWindow window(ResourcePaths::locate());
      create_workspace(window, study.workspace);
      run(window, study, "fp32");
      run(window, study, "nf4");
      window.queue().add(study.files.kl_request("nf4"), {});
      wait_until_idle(window);
      QCOMPARE(window.runs().entries().back().stage, RunEntry::Stage::finished);
      QTRY_VERIFY_WITH_TIMEOUT(window.runs().entries()[1].pair.has_value(), patience_ms);
      before = cells(window);
      figures = numbers(window);
    }
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    QTRY_VERIFY_WITH_TIMEOUT(window.runs().entries()[1].pair.has_value(), patience_ms);
    QCOMPARE(cells(window), before);
    QCOMPARE(numbers(window), figures);
    QVERIFY(window.windowTitle().startsWith(QStringLiteral("study.quantscope")));
    for (const int page : {2, 3, 4}) QTRY_VERIFY(window.pages()[page]->shows_chart());
    QTRY_VERIFY_WITH_TIMEOUT(window.session().checkpoint() != nullptr, patience_ms);
  }

  void an_interrupted_run_goes_on_to_the_same_numbers() {
    const Study study;
    MainWindow whole(ResourcePaths::locate());
    run(whole, study, "nf4");
    wait_until_idle(whole);

    interrupt(study, "nf4", 5);
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    const RunEntry& entry = window.runs().entries().front();
    QCOMPARE(entry.stage, RunEntry::Stage::stopped);
    QVERIFY2(stage_text(entry).startsWith(QStringLiteral("unfinished, ")), qPrintable(stage_text(entry)));
    QVERIFY(numbers(window) != numbers(whole));
    QAction* resume = window.actions().action(QStringLiteral("resume"));
    QVERIFY(resume->isEnabled());
    resume->trigger();
    wait_until_idle(window);
    QCOMPARE(window.runs().rowCount(), 1);
    QCOMPARE(window.runs().entries().front().stage, RunEntry::Stage::finished);
    QCOMPARE(numbers(window), numbers(whole));
    QVERIFY(!resume->isEnabled());
    QVERIFY(!resume->toolTip().isEmpty());
  }

  void the_report_shows_the_layer_sensitivity_that_the_file_holds() {
    const Study study;
    SensitivityMeasurement measurement;
    measurement.configuration = "nf4";
    measurement.base = "fp32";
    measurement.rows.resize(1);
    measurement.rows.front().name = "model.layers.0.mlp.down_proj.weight";
    const auto created = value_of(Workspace::open(study.workspace.toStdString(), FileAccess::write));
    QVERIFY(created->begin(measurement).has_value());
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    QVERIFY(window.write_report_into(study.at("report")).has_value());
    QFile page(study.at("report/report.html"));
    QVERIFY(page.open(QIODevice::ReadOnly));
    QVERIFY(page.readAll().contains("<td>model.layers.0.mlp.down_proj.weight</td>"));
    QVERIFY(QFile::exists(study.at("report/layers.csv")));
    window.workspace().close();
    QVERIFY(window.write_report_into(study.at("without")).has_value());
    QVERIFY(!QFile::exists(study.at("without/layers.csv")));
  }

  void what_was_planned_and_never_begun_is_unfinished() {
    const Study study;
    interrupt(study, "nf4", 2);
    {
      const std::vector<RunRequest> planned = {study.files.request("fp32"), study.files.request("int8")};
      const auto file = value_of(Workspace::open(study.workspace.toStdString(), FileAccess::write));
      QVERIFY(file->plan(planned).has_value());
    }
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    QCOMPARE(window.runs().rowCount(), 3);
    QCOMPARE(unfinished_runs(window.runs()).size(), std::size_t(3));
    const auto* summary = window.findChild<QLabel*>(QStringLiteral("workspace_summary"));
    QCOMPARE(summary->text(), QStringLiteral("study.quantscope: 3 of 3 runs are unfinished"));
    window.workspace().resume();
    wait_until_idle(window);
    for (const RunEntry& entry : window.runs().entries()) QCOMPARE(entry.stage, RunEntry::Stage::finished);
    QCOMPARE(summary->text(), QStringLiteral("study.quantscope: 3 runs"));
    const auto file = value_of(Workspace::open(study.workspace.toStdString(), FileAccess::read));
    QVERIFY(value_of(file->unfinished()).empty());
  }

  void a_run_that_the_file_holds_is_shown_once() {
    const Study study;
    interrupt(study, "nf4", 2);
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    for (int again = 0; again < 2; ++again) {
      run(window, study, "nf4");
      wait_until_idle(window);
      QCOMPARE(window.runs().rowCount(), 1);
      QCOMPARE(window.runs().entries().front().stage, RunEntry::Stage::finished);
    }
  }

  void what_is_stopped_in_the_window_can_be_resumed() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    create_workspace(window, study.workspace);
    for (const char* configuration : {"fp32", "nf4", "fp4"}) run(window, study, configuration);
    window.control().stop();
    wait_until_idle(window);
    QVERIFY(unfinished_runs(window.runs()).size() >= 2);  // the first may have come through
    window.workspace().resume();
    wait_until_idle(window);
    QCOMPARE(window.runs().rowCount(), 3);
    for (const RunEntry& entry : window.runs().entries()) QCOMPARE(entry.stage, RunEntry::Stage::finished);
  }

  void a_new_workspace_takes_in_what_nothing_keeps() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    run(window, study, "fp32");
    run(window, study, "nf4");
    wait_until_idle(window);
    window.runs().pin(window.runs().entries().back().id);
    const QString figures = numbers(window);
    create_workspace(window, study.workspace);
    QCOMPARE(numbers(window), figures);
    QCOMPARE(window.runs().baseline()->request.settings, *parse_configuration("nf4"));
    create_workspace(window, study.at("second.quantscope"));
    QCOMPARE(window.runs().rowCount(), 0);  // the first file keeps them
  }

  void a_new_workspace_takes_in_all_or_is_not_made() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    window.queue().add(study.files.kl_request("nf4"), {});
    wait_until_idle(window);
    // A result that was read back has lost what the percentiles are computed from, so that no workspace can keep it.
    const RunResult whole = *window.runs().entries().front().result;
    window.runs().replace({row_of(value_of(run_result_from_json(to_json(whole))))});
    QSignalSpy failed(&window.workspace(), &WorkspaceControl::failed);
    window.workspace().create(study.workspace);
    QVERIFY(failed.wait(patience_ms));
    QVERIFY(!window.workspace().is_open());
    for (const char* suffix : {"", "-wal", "-shm"}) QVERIFY(!QFile::exists(study.workspace + QLatin1String(suffix)));
    QCOMPARE(window.runs().rowCount(), 1);
    window.runs().replace({row_of(whole)});
    create_workspace(window, study.workspace);
    QCOMPARE(window.runs().rowCount(), 1);
  }

  void results_that_nothing_keeps_are_not_lost_unasked() {
    const Study study;
    interrupt(study, "nf4", 2);
    MainWindow window(ResourcePaths::locate());
    run(window, study, "fp32");
    wait_until_idle(window);
    QString asked;
    window.workspace().set_question([&](const QString& sentence) {
      asked = sentence;
      return false;
    });
    window.workspace().open(study.workspace);
    QVERIFY(asked.contains(QStringLiteral("study.quantscope")));
    QVERIFY(!window.workspace().is_open());
    QCOMPARE(window.runs().rowCount(), 1);
    window.workspace().set_question([](const QString&) { return true; });
    open_workspace(window, study.workspace);
    QCOMPARE(window.runs().entries().front().request.settings, *parse_configuration("nf4"));
  }

  void bad_files_are_refused_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::newRow("missing") << QByteArray();
    QTest::newRow("no database") << QByteArray("This is a text.");
    QTest::newRow("folder") << QByteArray("folder");
    QTest::newRow("damaged") << QByteArray("damaged");
    QTest::newRow("newer") << QByteArray("newer");
    QTest::newRow("foreign") << QByteArray("foreign");
  }
  void bad_files_are_refused() {
    QFETCH(QByteArray, bytes);
    const Study study;
    const QString bad = study.at("bad.quantscope");
    make_bad_file(bad, bytes);
    MainWindow window(ResourcePaths::locate());
    create_workspace(window, study.workspace);
    QSignalSpy failed(&window.workspace(), &WorkspaceControl::failed);
    window.open_path(bad);
    QVERIFY(failed.wait(patience_ms));
    const std::filesystem::path path = bad.toStdString();
    const auto core = Workspace::open(path, std::filesystem::exists(path) ? FileAccess::write : FileAccess::read);
    QVERIFY(!core.has_value());
    const auto said = failed.front().front().value<Error>();
    QCOMPARE(said.message, core.error().message);
    QCOMPARE(window.findChild<QMessageBox*>()->text(), QString::fromStdString(said.message));
    QCOMPARE(QFile::exists(bad), !bytes.isEmpty());
    // The window goes on with the workspace it had.
    QCOMPARE(window.workspace().path(), study.workspace);
    run(window, study, "nf4");
    wait_until_idle(window);
    QCOMPARE(window.runs().entries().front().stage, RunEntry::Stage::finished);
    QCOMPARE(value_of(value_of(Workspace::open(study.workspace.toStdString(), FileAccess::read))->results()).size(),
             std::size_t(1));
  }

  void a_file_that_is_there_is_not_made_anew() {
    const Study study;
    interrupt(study, "nf4", 2);
    MainWindow window(ResourcePaths::locate());
    QSignalSpy failed(&window.workspace(), &WorkspaceControl::failed);
    window.workspace().create(study.workspace);
    QVERIFY(failed.wait(patience_ms));
    QVERIFY(!window.workspace().is_open());
    open_workspace(window, study.workspace);
    QCOMPARE(window.runs().rowCount(), 1);
  }

  void a_file_that_was_taken_away_is_missed() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    create_workspace(window, study.workspace);
    QVERIFY(QFile::remove(study.workspace));
    run(window, study, "nf4");
    wait_until_idle(window);
    const RunEntry& entry = window.runs().entries().front();
    QCOMPARE(entry.stage, RunEntry::Stage::failed);
    QVERIFY2(entry.message.contains(QStringLiteral("There is no workspace")), qPrintable(entry.message));
    QVERIFY(!QFile::exists(study.workspace));
  }

  void another_program_may_write_the_same_file() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    create_workspace(window, study.workspace);
    run(window, study, "fp32");
    interrupt(study, "nf4", 3);  // beside it
    wait_until_idle(window);
    QCOMPARE(window.runs().entries().front().stage, RunEntry::Stage::finished);
    MainWindow second(ResourcePaths::locate());
    open_workspace(second, study.workspace);
    QCOMPARE(second.runs().rowCount(), 2);
    QCOMPARE(unfinished_runs(second.runs()).size(), std::size_t(1));
  }

  void nothing_is_switched_while_something_runs() {
    const Study study;
    MainWindow window(ResourcePaths::locate());
    create_workspace(window, study.workspace);
    run(window, study, "nf4");
    for (const char* id : {"new_workspace", "open_workspace", "close_workspace", "resume"}) {
      const QAction* action = window.actions().action(QLatin1String(id));
      QVERIFY2(!action->isEnabled(), id);
      QVERIFY2(action->toolTip().contains(QStringLiteral("stop it first")), id);
    }
    QSignalSpy failed(&window.workspace(), &WorkspaceControl::failed);
    window.workspace().close();
    QCOMPARE(failed.count(), 1);
    QVERIFY(window.workspace().is_open());
    wait_until_idle(window);
    window.workspace().close();
    QVERIFY(!window.workspace().is_open());
    QCOMPARE(window.runs().rowCount(), 0);
    QVERIFY(window.actions().action(QStringLiteral("resume"))->toolTip().contains(QStringLiteral("workspace")));
    run(window, study, "nf4");
    wait_until_idle(window);
    QVERIFY(window.runs().entries().front().workspace.isEmpty());
  }

  void a_dropped_workspace_is_opened_and_remembered() {
    const Study study;
    interrupt(study, "nf4", 2);
    MainWindow window(ResourcePaths::locate());
    QSignalSpy changed(&window.workspace(), &WorkspaceControl::changed);
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(study.workspace)});
    QDragEnterEvent enter(QPoint(10, 10), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop(QPointF(10, 10), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(&window, &drop);
    QVERIFY(changed.wait(patience_ms));
    QCOMPARE(window.workspace().path(), study.workspace);
    auto* recent = window.findChild<QMenu*>(QStringLiteral("recent_workspaces"));
    Q_EMIT recent->aboutToShow();
    QCOMPARE(recent->actions().front()->text(), study.workspace);
  }

 private:
  static void make_bad_file(const QString& path, const QByteArray& bytes) {
    if (bytes.isEmpty()) return;
    if (bytes == "folder") {
      std::filesystem::create_directory(path.toStdString());
    } else if (bytes == "newer" || bytes == "foreign" || bytes == "damaged") {
      value_of(Workspace::open(path.toStdString(), FileAccess::write));
      change_header(path, bytes);
    } else {
      QFile file(path);
      QVERIFY(file.open(QIODevice::WriteOnly));
      file.write(bytes);
    }
  }

  /// SQLite's header: the schema version of the application at byte 60, its id at byte 68, big endian.
  static void change_header(const QString& path, const QByteArray& how) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadWrite));
    const bool damaged = how == "damaged";
    file.seek(damaged ? 4096 : (how == "newer" ? 63 : 68));
    file.write(QByteArray(damaged ? 2048 : 1, '\x63'));
  }
};

QTEST_MAIN(WorkspaceTest)
#include "workspace_test.moc"
