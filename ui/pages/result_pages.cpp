// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/result_pages.h"

#include <QLabel>
#include <QVBoxLayout>

#include "ui/charts/result_charts.h"
#include "ui/models/runs_model.h"
#include "ui/models/session.h"

namespace quantscope::ui {
namespace {

/// Streamed results change the table many times a second; charts follow at a rate the eye can use.
constexpr int refresh_interval_ms = 100;

template <class Object, class Method>
void refresh_soon(QTimer& timer, Object* object, Method method) {
  timer.setSingleShot(true);
  timer.setInterval(refresh_interval_ms);
  QObject::connect(&timer, &QTimer::timeout, object, method);
}

void start(QTimer& timer) {
  if (!timer.isActive()) timer.start();
}

}  // namespace

std::vector<const RunEntry*> charted_runs(const RunsModel& runs) {
  std::vector<const RunEntry*> list;
  if (runs.baseline() != nullptr) list.push_back(runs.baseline());
  for (const RunEntry& entry : runs.entries())
    if (&entry != runs.baseline()) list.push_back(&entry);
  return list;
}

MemoryPage::MemoryPage(RunsModel& runs, Session& session, QWidget* parent)
    : Page(tr("Open a checkpoint (Ctrl+O): its memory is forecast before anything runs."), parent),
      runs_(runs),
      session_(session) {
  refresh_soon(pending_, this, &MemoryPage::refresh);
  connect(&runs_, &RunsModel::changed, this, [this] { start(pending_); });
  connect(&session_, &Session::settings_changed, this, [this] { start(pending_); });
  connect(&session_, &Session::checkpoint_changed, this, &MemoryPage::refresh);
}

void MemoryPage::refresh() {
  std::vector<const RunEntry*> shown = charted_runs(runs_);
  std::vector<RunEntry> forecasts;
  if (shown.empty() && session_.checkpoint() != nullptr) {
    for (const Settings& settings : session_.compare_all())
      if (auto resolved = session_.resolve_for(settings)) {
        RunEntry entry;
        entry.request.settings = settings;
        entry.resolved = std::move(*resolved);
        forecasts.push_back(std::move(entry));
      }
    for (const RunEntry& entry : forecasts) shown.push_back(&entry);
  }
  show_chart(memory_chart(shown));
}

AccuracyPage::AccuracyPage(RunsModel& runs, QWidget* parent)
    : Page(tr("Press Compare all (Ctrl+Return) to ask every configuration the same questions."), parent),
      runs_(runs),
      notes_(new QLabel(this)) {
  notes_->setWordWrap(true);
  notes_->setAccessibleName(tr("What to keep in mind"));
  notes_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  body()->addWidget(notes_);
  refresh_soon(pending_, this, &AccuracyPage::refresh);
  connect(&runs_, &RunsModel::changed, this, [this] { start(pending_); });
}

void AccuracyPage::refresh() {
  const std::vector<const RunEntry*> shown = charted_runs(runs_);
  show_chart(accuracy_chart(shown, runs_.scorer()), true);
  const QStringList notes = accuracy_notes(shown, runs_.scorer());
  notes_->setText(notes.join(QStringLiteral("\n")));
  notes_->setVisible(!notes.isEmpty());
}

DivergencePage::DivergencePage(RunsModel& runs, QWidget* parent)
    : Page(tr("Tick \"KL divergence\" under Data and press Compare all (Ctrl+Return)."), parent), runs_(runs) {
  refresh_soon(pending_, this, &DivergencePage::refresh);
  connect(&runs_, &RunsModel::changed, this, [this] { start(pending_); });
}

void DivergencePage::refresh() { show_chart(divergence_chart(charted_runs(runs_)), true); }

}  // namespace quantscope::ui
