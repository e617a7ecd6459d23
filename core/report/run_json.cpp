// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/run_json.h"

#include <nlohmann/json.hpp>

#include "core/experiment/request_json.h"
#include "core/report/evaluation_json.h"

namespace quantscope {
namespace {
using nlohmann::json;

json memory_to_json(const MemoryRows& rows) {
  json value;
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    value[std::string(memory_tag_name(static_cast<MemoryTag>(i)))] = rows.bytes[i];
  value["weights"] = rows.weights();
  value["total"] = rows.total();
  return value;
}

json tensor_to_json(const TensorRecord& record) {
  return {{"name", record.name},
          {"format", record.format},
          {"rows", record.rows},
          {"columns", record.columns},
          {"codes", record.bytes.codes},
          {"scales", record.bytes.scales},
          {"relative_error", record.error.relative_error},
          {"sqnr_db", record.error.sqnr_db},
          {"cosine", record.error.cosine},
          {"max_absolute", record.error.max_absolute},
          {"mean_absolute", record.error.mean_absolute}};
}

json resolved_to_json(const Resolved& resolved) {
  return {{"configuration", settings_to_json(resolved.settings)},
          {"summary", resolved.summary},
          {"reasons", resolved.reasons},
          {"memory_warning", resolved.memory_warning},
          {"forecast", memory_to_json(resolved.forecast)},
          {"as_commonly_reported", resolved.as_commonly_reported},
          {"quantized_values", resolved.quantized_values},
          {"bits_per_quantized_weight", resolved.bits_per_quantized_weight},
          {"bits_per_weight", resolved.bits_per_weight}};
}

json provenance_to_json(const Provenance& provenance) {
  return {{"program_version", provenance.program_version},
          {"checkpoint", provenance.checkpoint},
          {"fingerprint", provenance.fingerprint},
          {"baseline_note", provenance.baseline_note},
          {"device", provenance.device},
          {"dispatch_level", provenance.dispatch_level},
          {"threads", provenance.threads},
          {"started", provenance.started},
          {"imported_from", provenance.imported_from},
          {"tokenizer", provenance.tokenizer}};
}

json result_to_json(const RunResult& result) {
  json tensors = json::array();
  for (const TensorRecord& record : result.tensors) tensors.push_back(tensor_to_json(record));
  json value = {{"request", request_to_json(result.request)},
                {"resolved", resolved_to_json(result.resolved)},
                {"provenance", provenance_to_json(result.provenance)},
                {"state", run_state_name(result.state)},
                {"measured", memory_to_json(result.measured)},
                {"mapped_bytes", result.mapped_bytes},
                {"peak_resident_bytes", result.peak_resident_bytes},
                {"peak_device_bytes", result.peak_device_bytes},
                {"load_seconds", result.load_seconds},
                {"tensors", std::move(tensors)}};
  if (result.error)
    value["error"] = {{"code", error_code_name(result.error->code)},
                      {"message", result.error->message},
                      {"where", result.error->where}};
  if (result.qa) value[std::string(task_name(result.qa->task.kind))] = qa_to_json(*result.qa);
  if (result.perplexity) value["perplexity"] = perplexity_to_json(*result.perplexity);
  if (result.kl) value["kl"] = kl_to_json(*result.kl);
  if (result.speed) value["speed"] = speed_to_json(*result.speed);
  return value;
}

}  // namespace

std::string to_json(const RunResult& result) { return result_to_json(result).dump(2); }

std::string runs_json(std::span<const RunResult> runs) {
  json list = json::array();
  for (const RunResult& run : runs) list.push_back(result_to_json(run));
  return json{{"schema", RunRequest::schema_version}, {"runs", std::move(list)}}.dump(1);
}

}  // namespace quantscope
