// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/window/run_control.h"

#include "ui/models/format.h"
#include "ui/models/session.h"

namespace quantscope::ui {

RunControl::RunControl(Session& session, RunsModel& runs, RunQueue& queue, Previews& previews, QObject* parent)
    : QObject(parent),
      session_(session),
      runs_(runs),
      queue_(queue),
      previews_(previews),
      question_([](const QString&) { return true; }) {
  connect(&queue_, &RunQueue::run_ended, this, &RunControl::pair_with_baseline);
  connect(&runs_, &RunsModel::pinned, this, &RunControl::pair_with_baseline);
  // A corrected p depends on how many comparisons there are.
  connect(&runs_, &RunsModel::rowsInserted, this, &RunControl::pair_with_baseline);
  connect(&runs_, &RunsModel::rowsRemoved, this, &RunControl::pair_with_baseline);
  connect(&previews_, &Previews::compared, this, [this](const PairsById& pairs) {
    for (const auto& [id, pair] : pairs) runs_.update(id, [&found = pair](RunEntry& entry) { entry.pairs = found; });
  });
}

void RunControl::run_current() {
  if (!may_start() || session_.resolved() == nullptr) return;
  const Resolved resolved = *session_.resolved();
  if (accept_memory({resolved})) queue_.add(session_.request(session_.settings()), resolved);
}

void RunControl::compare_all() {
  if (!may_start()) return;
  struct Planned {
    Settings settings;
    std::optional<Resolved> resolved;
    QString refusal;
  };
  std::vector<Planned> planned;
  std::vector<Resolved> forecasts;
  for (const Settings& settings : session_.compare_all()) {
    auto answer = session_.resolve_for(settings);
    if (answer) forecasts.push_back(*answer);
    if (answer)
      planned.push_back({settings, std::move(*answer), {}});
    else
      planned.push_back({settings, {}, QString::fromStdString(answer.error().why)});
  }
  if (!accept_memory(forecasts)) return;
  for (Planned& plan : planned) {
    if (plan.resolved) {
      queue_.add(session_.request(plan.settings), std::move(plan.resolved));
      continue;
    }
    RunEntry refused;
    refused.request = session_.request(plan.settings);
    refused.stage = RunEntry::Stage::refused;
    refused.message = plan.refusal;
    runs_.add(std::move(refused));
  }
}

void RunControl::run_again(const RunRequest& request) {
  auto resolved = session_.resolve_for(request.settings);
  queue_.add(request, resolved ? std::optional<Resolved>(std::move(*resolved)) : std::nullopt);
}

void RunControl::stop() { queue_.stop(); }

bool RunControl::may_start() const { return session_.why_not_runnable().isEmpty(); }

void RunControl::pair_with_baseline() {
  const RunEntry* baseline = runs_.baseline();
  if (baseline == nullptr || !baseline->has_result()) return;
  std::map<RunId, std::shared_ptr<const RunResult>> others;
  for (const RunEntry& entry : runs_.entries())
    if (entry.id != baseline->id && entry.has_result()) others.emplace(entry.id, entry.result);
  if (!others.empty()) previews_.compare(baseline->result, std::move(others), runs_.scorer());
}

bool RunControl::accept_memory(const std::vector<Resolved>& forecasts) const {
  for (const Resolved& forecast : forecasts)
    if (const QString sentence = too_large_sentence(forecast, session_.device_for(forecast.settings).memory_free);
        !sentence.isEmpty())
      return question_(sentence);
  return true;
}

QString too_large_sentence(const Resolved& resolved, std::int64_t free_bytes) {
  if (resolved.forecast.total() <= free_bytes) return {};
  return RunControl::tr(
             "%1 needs about %2 MiB, but only %3 MiB are free. The machine may become very slow or the run may fail. "
             "Run it anyway?")
      .arg(QString::fromStdString(configuration_label(resolved.settings)), format_mib(resolved.forecast.total()),
           format_mib(free_bytes));
}

}  // namespace quantscope::ui
