// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_entry.h"

#include <QCoreApplication>
#include <QStringList>
#include <map>

namespace quantscope::ui {
namespace {

MeanEstimate estimate(const RunEntry& entry, Scorer scorer, double QaScore::*score) {
  std::vector<double> values;
  values.reserve(entry.answers.size());
  for (const auto& scores : entry.answers) values.push_back(scores[static_cast<std::size_t>(scorer)].*score);
  return estimate_mean(values);
}

QString tr(const char* text) { return QCoreApplication::translate("RunEntry", text); }

QString unfinished_text(const RunEntry& entry) {
  QStringList kept;
  if (entry.result != nullptr && entry.result->qa) kept << tr("%1 answers").arg(entry.result->qa->answers.size());
  if (entry.result != nullptr && entry.result->perplexity)
    kept << tr("%1 windows of text").arg(entry.result->perplexity->result.chunks.size());
  if (entry.result != nullptr && entry.result->kl)
    kept << tr("%1 windows of KL divergence").arg(entry.result->kl->result.chunks.size());
  return kept.isEmpty() ? tr("unfinished") : tr("unfinished, %1 kept").arg(kept.join(QStringLiteral(", ")));
}

}  // namespace

bool is_imported(const RunEntry& entry) {
  return entry.result != nullptr && !entry.result->provenance.imported_from.empty();
}

MeanEstimate f1_of(const RunEntry& entry, Scorer scorer) {
  if (entry.has_result() && entry.result->qa) return entry.result->qa->f1(scorer);
  return estimate(entry, scorer, &QaScore::f1);
}

MeanEstimate em_of(const RunEntry& entry, Scorer scorer) {
  if (entry.has_result() && entry.result->qa) return entry.result->qa->em(scorer);
  return estimate(entry, scorer, &QaScore::em);
}

const MemoryRows* memory_of(const RunEntry& entry) {
  if (is_imported(entry)) return nullptr;
  if (entry.result != nullptr && entry.result->measured.weights() > 0) return &entry.result->measured;
  return entry.resolved ? &entry.resolved->forecast : nullptr;
}

RunEntry::Stage stage_of(RunState state) {
  switch (state) {
    case RunState::finished: return RunEntry::Stage::finished;
    case RunState::stopped: return RunEntry::Stage::stopped;
    case RunState::failed: return RunEntry::Stage::failed;
  }
  return RunEntry::Stage::failed;
}

QString stage_text(const RunEntry& entry) {
  switch (entry.stage) {
    case RunEntry::Stage::queued: return tr("queued");
    case RunEntry::Stage::loading: return tr("loading %1 %").arg(static_cast<int>(100 * entry.progress));
    case RunEntry::Stage::running: return tr("running %1 %").arg(static_cast<int>(100 * entry.progress));
    case RunEntry::Stage::finished: return tr("finished");
    case RunEntry::Stage::stopped: return entry.workspace.isEmpty() ? tr("stopped") : unfinished_text(entry);
    case RunEntry::Stage::failed: return tr("failed: %1").arg(entry.message);
    case RunEntry::Stage::refused: return tr("cannot run: %1").arg(entry.message);
  }
  return {};
}

void tell_models_apart(std::deque<RunEntry>& rows) {
  std::map<std::string, ModelIdentity> known;  // of models that were loaded, by what they are requested as
  for (const RunEntry& row : rows)
    if (row.result != nullptr && !row.result->provenance.fingerprint.empty())
      known[row.request.model] = {row.result->provenance.checkpoint, row.result->provenance.fingerprint};
  std::vector<ModelIdentity> models;
  for (const RunEntry& row : rows) {
    const auto found = known.find(row.request.model);
    if (is_imported(row))
      models.emplace_back();
    else
      models.push_back(found != known.end() ? found->second : ModelIdentity{row.request.model, row.request.model});
  }
  std::vector<std::string> labels = model_labels(models);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].model_label = QString::fromStdString(labels[i]);
}

}  // namespace quantscope::ui
