// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QTimer>

#include "ui/models/run_entry.h"
#include "ui/pages/page.h"

class QComboBox;

namespace quantscope::ui {

class RunsModel;
class Session;

/// The runs in the order charts show them: the baseline first.
std::vector<const RunEntry*> charted_runs(const RunsModel& runs);

/// Where do the bytes go? Runs, and the configuration at hand before anything was run.
class MemoryPage : public Page {
  Q_OBJECT

 public:
  MemoryPage(RunsModel& runs, Session& session, QWidget* parent = nullptr);

 private:
  void refresh();

  RunsModel& runs_;
  Session& session_;
  QTimer pending_;
};

/// Is the difference real?
class AccuracyPage : public Page {
  Q_OBJECT

 public:
  explicit AccuracyPage(RunsModel& runs, QWidget* parent = nullptr);

 private:
  void refresh();

  RunsModel& runs_;
  QLabel* notes_;
  QTimer pending_;
};

/// How far are the predictions from those of the base?
class DivergencePage : public Page {
  Q_OBJECT

 public:
  explicit DivergencePage(RunsModel& runs, QWidget* parent = nullptr);

 private:
  void refresh();

  RunsModel& runs_;
  QTimer pending_;
};

}  // namespace quantscope::ui
