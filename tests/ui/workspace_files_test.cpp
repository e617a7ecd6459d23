// SPDX-License-Identifier: GPL-3.0-or-later
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QFile>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QUrl>

#include "tests/ui/study_window.h"
#include "ui/models/workspace_rows.h"
#include "ui/window/actions.h"

using namespace quantscope;
using namespace quantscope::ui;

/// Files of workspaces that are bad, taken away, shared, switched or dropped.
class WorkspaceFilesTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void initTestCase() {
    QStandardPaths::setTestModeEnabled(true);
    QCoreApplication::setOrganizationName(QStringLiteral("quantscope-test"));
    QCoreApplication::setApplicationName(QStringLiteral("workspace_files_test"));
  }
  void init() { QSettings().clear(); }

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

QTEST_MAIN(WorkspaceFilesTest)
#include "workspace_files_test.moc"
