// SPDX-License-Identifier: GPL-3.0-or-later
#include <QFile>

#include "core/report/run_json.h"
#include "tests/ui/study_window.h"
#include "ui/models/result_rows.h"
#include "ui/models/workspace_rows.h"
#include "ui/pages/page.h"
#include "ui/window/actions.h"
#include "ui/window/run_control.h"

using namespace quantscope;
using namespace quantscope::ui;

/// What a workspace keeps of the window, and how unfinished runs go on.
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
      QTRY_VERIFY_WITH_TIMEOUT(window.runs().entries()[1].pairs.f1.has_value(), patience_ms);
      before = cells(window);
      figures = numbers(window);
    }
    MainWindow window(ResourcePaths::locate());
    open_workspace(window, study.workspace);
    QTRY_VERIFY_WITH_TIMEOUT(window.runs().entries()[1].pairs.f1.has_value(), patience_ms);
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
};

QTEST_MAIN(WorkspaceTest)
#include "workspace_test.moc"
