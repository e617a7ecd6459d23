// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

namespace quantscope {
namespace {

template <double QaScore::*figure>
MeanEstimate mean_of(const std::vector<QaAnswer>& answers, Scorer scorer) {
  std::vector<double> values;
  values.reserve(answers.size());
  for (const QaAnswer& answer : answers) values.push_back(answer.scores[static_cast<std::size_t>(scorer)].*figure);
  return estimate_mean(values);
}

template <std::int64_t QaAnswer::*count>
std::int64_t sum_of(const std::vector<QaAnswer>& answers) {
  std::int64_t sum = 0;
  for (const QaAnswer& answer : answers) sum += answer.*count;
  return sum;
}

constexpr std::array<std::string_view, 3> state_names = {"finished", "stopped", "failed"};

/// "stories260K" of "/models/stories260K", "model" of "/models/model.gguf".
std::string model_name(const ModelIdentity& model) {
  const std::filesystem::path path(model.path);
  const std::filesystem::path last = path.has_filename() ? path : path.parent_path();
  return last.extension() == ".gguf" || last.extension() == ".safetensors" ? last.stem().string()
                                                                           : last.filename().string();
}

ModelIdentity identity_of(const RunResult& run) {
  if (!run.provenance.imported_from.empty()) return {};
  return {run.provenance.checkpoint, run.provenance.fingerprint};
}

}  // namespace

MeanEstimate QaOutcome::f1(Scorer scorer) const { return mean_of<&QaScore::f1>(answers, scorer); }

MeanEstimate QaOutcome::em(Scorer scorer) const { return mean_of<&QaScore::em>(answers, scorer); }

std::int64_t QaOutcome::prompt_tokens() const { return sum_of<&QaAnswer::prompt_tokens>(answers); }

std::int64_t QaOutcome::computed_prompt_tokens() const { return sum_of<&QaAnswer::computed_tokens>(answers); }

std::vector<DomainScore> QaOutcome::domains(Scorer scorer) const {
  std::map<std::string_view, std::vector<QaAnswer>> by_domain;
  for (const QaAnswer& answer : answers) by_domain[coqa_domain(answer.source)].push_back(answer);
  std::vector<DomainScore> scores;
  scores.reserve(by_domain.size());
  for (const auto& [domain, own] : by_domain)
    scores.push_back({std::string(domain), mean_of<&QaScore::f1>(own, scorer), mean_of<&QaScore::em>(own, scorer)});
  return scores;
}

std::string count_text(std::int64_t n, std::int64_t asked) {
  return asked > n ? fmt::format("{} of {}", n, asked) : std::to_string(n);
}

std::string run_name(const RunResult& result) {
  const std::string& file = result.provenance.imported_from;
  if (!file.empty()) return file;
  const std::string configuration = configuration_text(result.request.settings);
  return result.model_label.empty() ? configuration : result.model_label + " " + configuration;
}

std::string_view run_state_name(RunState state) { return state_names[static_cast<std::size_t>(state)]; }

std::optional<RunState> parse_run_state(std::string_view name) {
  const auto found = std::ranges::find(state_names, name);
  if (found == state_names.end()) return std::nullopt;
  return static_cast<RunState>(found - state_names.begin());
}

std::vector<std::string> model_labels(std::span<const ModelIdentity> models) {
  std::map<std::string, std::set<std::string>> fingerprints;  // of each name
  std::set<std::string> distinct;
  for (const ModelIdentity& model : models) {
    if (model.fingerprint.empty()) continue;
    fingerprints[model_name(model)].insert(model.fingerprint);
    distinct.insert(model.fingerprint);
  }
  std::vector<std::string> labels(models.size());
  if (distinct.size() < 2) return labels;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i].fingerprint.empty()) continue;
    labels[i] = model_name(models[i]);
    if (fingerprints[labels[i]].size() > 1) labels[i] += fmt::format("({})", models[i].fingerprint.substr(0, 8));
  }
  return labels;
}

void tell_models_apart(std::span<RunResult> runs) {
  std::vector<ModelIdentity> models;
  models.reserve(runs.size());
  for (const RunResult& run : runs) models.push_back(identity_of(run));
  std::vector<std::string> labels = model_labels(models);
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].model_label = std::move(labels[i]);
}

}  // namespace quantscope
