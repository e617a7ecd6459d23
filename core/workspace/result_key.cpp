// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/result_key.h"

#include <nlohmann/json.hpp>

#include "core/experiment/file_hash.h"
#include "kernels/formats/rules_version.h"

namespace quantscope {
namespace {
using nlohmann::json;

/// The base is of the same checkpoint and runs on the same device at the same level.
std::string base_of(const KlOutcome& kl) {
  const auto settings = parse_configuration(kl.base);
  return settings ? arithmetic_text(*settings) : kl.base;
}

json arithmetic_of(const RunResult& run) {
  const Provenance& from = run.provenance;
  return {from.fingerprint,     arithmetic_text(run.resolved.settings),
          from.device,          from.dispatch_level,
          from.program_version, format_rules_version,
          from.imported_from,   from.tokenizer};
}

std::string hash_of(const json& parts) {
  return hash_bytes(parts.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

std::string evaluation_key(const RunResult& run, const Task& task, const std::string& data_hash) {
  json parts = {arithmetic_of(run), task_name(task.kind), task.protocol, data_hash};
  if (task.kind == TaskKind::kl && run.kl) parts.push_back(base_of(*run.kl));
  return hash_of(parts);
}

std::string run_key(const RunResult& run) {
  json parts = {arithmetic_of(run), to_json(run.request)};
  if (run.qa) parts.push_back(evaluation_key(run, run.qa->task, run.qa->dataset_hash));
  if (run.perplexity) parts.push_back(evaluation_key(run, run.perplexity->task, run.perplexity->text_hash));
  if (run.kl) parts.push_back(evaluation_key(run, run.kl->task, run.kl->text_hash));
  return hash_of(parts);
}

}  // namespace quantscope
