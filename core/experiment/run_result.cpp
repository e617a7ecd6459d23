// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_result.h"

#include <fmt/format.h>

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

/// "stories260K" of "/models/stories260K", "model" of "/models/model.gguf".
std::string model_name(const RunResult& run) {
  const std::filesystem::path path(run.provenance.checkpoint);
  const std::filesystem::path last = path.has_filename() ? path : path.parent_path();
  return last.extension() == ".gguf" || last.extension() == ".safetensors" ? last.stem().string()
                                                                           : last.filename().string();
}

bool has_model(const RunResult& run) {
  return run.provenance.imported_from.empty() && !run.provenance.fingerprint.empty();
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

void tell_models_apart(std::span<RunResult> runs) {
  std::map<std::string, std::set<std::string>> fingerprints;  // of each name
  std::set<std::string> models;
  for (const RunResult& run : runs) {
    if (!has_model(run)) continue;
    fingerprints[model_name(run)].insert(run.provenance.fingerprint);
    models.insert(run.provenance.fingerprint);
  }
  for (RunResult& run : runs) {
    run.model_label.clear();
    if (models.size() < 2 || !has_model(run)) continue;
    run.model_label = model_name(run);
    if (fingerprints[run.model_label].size() > 1)
      run.model_label += fmt::format("({})", run.provenance.fingerprint.substr(0, 8));
  }
}

}  // namespace quantscope
