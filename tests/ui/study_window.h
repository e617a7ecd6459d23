// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>
#include <QSettings>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTest>

#include "core/report/tables.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"
#include "ui/window/main_window.h"
#include "ui/window/workspace_control.h"

/// A small study, and the window at work on it.
namespace quantscope::ui {

using quantscope::testing::TemporaryFolder;
using quantscope::testing::TinyStudy;
using quantscope::testing::value_of;

inline constexpr int patience_ms = 120000;  // generous: sanitizers and busy machines

inline QString text_of(const std::filesystem::path& path) { return QString::fromStdString(path.string()); }

/// A folder with the tiny model, questions and a text, and where the workspace is to be.
class Study {
  TemporaryFolder folder_;

 public:
  TinyStudy files{folder_.path() / "study"};
  QString workspace = text_of(folder_.path() / "study.quantscope");
  QString at(const char* name) const { return text_of(folder_.path() / name); }
};

inline void open_workspace(MainWindow& window, const QString& path) {
  QSignalSpy changed(&window.workspace(), &WorkspaceControl::changed);
  window.workspace().open(path);
  QVERIFY(changed.wait(patience_ms));
}

inline void create_workspace(MainWindow& window, const QString& path) {
  QSignalSpy changed(&window.workspace(), &WorkspaceControl::changed);
  window.workspace().create(path);
  QVERIFY(changed.wait(patience_ms));
}

inline void wait_until_idle(MainWindow& window) { QTRY_VERIFY_WITH_TIMEOUT(!window.queue().is_busy(), patience_ms); }

inline void run(MainWindow& window, const Study& study, const char* configuration) {
  window.queue().add(study.files.request(configuration), {});
}

/// What the study's numbers are, as a report says them, without how long they took.
inline QString numbers(const MainWindow& window) {
  std::vector<RunResult> results = const_cast<MainWindow&>(window).runs().results();
  // How much of a prompt came from a shared prefix depends on which questions were still to ask.
  for (RunResult& run : results)
    if (run.qa)
      for (QaAnswer& answer : run.qa->answers) answer.computed_tokens = 0;
  return QString::fromStdString(questions_csv(results) + chunks_csv(results) + tensors_csv(results) +
                                pairs_csv(results));
}

/// Leaves a run in the file that was stopped at its `answers`th answer.
inline void interrupt(const Study& study, const char* configuration, int answers) {
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

inline QStringList cells(const MainWindow& window) {
  const RunsModel& runs = const_cast<MainWindow&>(window).runs();
  QStringList texts;
  for (int row = 0; row < runs.rowCount(); ++row)
    for (int column = 0; column < RunsModel::column_count; ++column)
      texts << runs.data(runs.index(row, column), Qt::DisplayRole).toString();
  return texts;
}

}  // namespace quantscope::ui
