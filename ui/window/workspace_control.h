// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <functional>

#include "ui/worker/run_queue.h"
#include "ui/worker/workspace_keeper.h"

namespace quantscope::ui {

/// Whether a path is to be opened as a workspace: by its name, `*.quantscope`.
bool is_workspace_path(const QString& path);

/// The workspace that is open in the window, if one is: the runs table shows what it holds, and it keeps what is run.
class WorkspaceControl : public QObject {
  Q_OBJECT

 public:
  /// Asks whether to go on although results would be lost; the argument is the sentence to show.
  using Question = std::function<bool(const QString&)>;

  WorkspaceControl(RunsModel& runs, RunQueue& queue, QObject* parent = nullptr);

  const QString& path() const { return path_; }  ///< empty while none is open
  QString name() const;                          ///< of the file, without its folder
  bool is_open() const { return !path_.isEmpty(); }
  /// "study.quantscope: 2 of 8 runs are unfinished", "study.quantscope: 8 runs"; empty while none is open.
  QString summary() const;
  void set_question(Question question) { question_ = std::move(question); }

  /// The sensitivity measurements that the file holds; none while none is open.
  Result<std::vector<SensitivityMeasurement>> sensitivities() const;

  /// A new file, which takes in the runs of the table that no workspace keeps.
  void create(const QString& path);
  /// Shows what the file holds instead of what is in the table.
  void open(const QString& path);
  void close();

  /// Why these cannot be done now; empty when they can.
  QString why_not_switch() const;
  QString why_not_close() const;
  QString why_not_resume() const;

  /// Goes on with every run that has not finished.
  void resume();
  /// Asks before the window closes over results that neither a workspace nor a report holds.
  bool accept_closing() const;

 Q_SIGNALS:
  void changed();
  void failed(const quantscope::Error& error);

 private:
  bool refuse_while_busy();
  std::int64_t runs_to_lose() const;
  bool accept_loss(const QString& path) const;
  void show(const QString& path, const std::vector<RunEntry>& rows);

  RunsModel& runs_;
  RunQueue& queue_;
  WorkspaceKeeper keeper_;
  QString path_;
  Question question_;
};

}  // namespace quantscope::ui
