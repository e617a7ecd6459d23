// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/run_json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/experiment/request_json.h"
#include "core/experiment/run_file_limits.h"
#include "core/report/evaluation_json.h"

namespace quantscope {
namespace {
using nlohmann::json;

constexpr std::array<std::string_view, 3> state_names = {"finished", "stopped", "failed"};

json memory_to_json(const MemoryRows& rows) {
  json value;
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    value[std::string(memory_tag_name(static_cast<MemoryTag>(i)))] = rows.bytes[i];
  value["weights"] = rows.weights();
  value["total"] = rows.total();
  return value;
}

MemoryRows memory_from_json(const json& value) {
  MemoryRows rows;
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    rows.bytes[i] = value.value(std::string(memory_tag_name(static_cast<MemoryTag>(i))), std::int64_t{0});
  return rows;
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

/// JSON has no infinity: an exact tensor's SQNR is written as null.
double number_or_infinity(const json& value) {
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::infinity();
}

TensorRecord tensor_from_json(const json& value) {
  return {value.at("name"),
          value.at("format"),
          value.at("rows"),
          value.at("columns"),
          {value.at("codes"), value.at("scales")},
          {value.at("relative_error"), number_or_infinity(value.at("sqnr_db")), value.at("cosine"),
           value.at("max_absolute"), value.at("mean_absolute")}};
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

/// The plan itself is not stored: request and checkpoint give it again.
Result<Resolved> resolved_from_json(const json& value) {
  Resolved resolved;
  auto settings = settings_from_json(value.at("configuration"));
  if (!settings) return tl::unexpected(settings.error());
  resolved.settings = std::move(*settings);
  resolved.summary = value.at("summary");
  resolved.reasons = value.at("reasons").get<std::vector<std::string>>();
  resolved.memory_warning = value.at("memory_warning");
  resolved.forecast = memory_from_json(value.at("forecast"));
  resolved.as_commonly_reported = value.at("as_commonly_reported");
  resolved.quantized_values = value.at("quantized_values");
  resolved.bits_per_quantized_weight = value.at("bits_per_quantized_weight");
  resolved.bits_per_weight = value.at("bits_per_weight");
  return resolved;
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

Provenance provenance_from_json(const json& value) {
  return {value.at("program_version"),
          value.at("checkpoint"),
          value.at("fingerprint"),
          value.at("baseline_note"),
          value.at("device"),
          value.at("dispatch_level"),
          value.at("threads"),
          value.at("started"),
          value.value("imported_from", std::string()),
          value.value("tokenizer", std::string())};
}

json result_to_json(const RunResult& result) {
  json tensors = json::array();
  for (const TensorRecord& record : result.tensors) tensors.push_back(tensor_to_json(record));
  json value = {{"request", request_to_json(result.request)},
                {"resolved", resolved_to_json(result.resolved)},
                {"provenance", provenance_to_json(result.provenance)},
                {"state", state_names[static_cast<std::size_t>(result.state)]},
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

RunState state_from_name(std::string_view name) {
  const auto found = std::find(state_names.begin(), state_names.end(), name);
  return found == state_names.end() ? RunState::failed : static_cast<RunState>(found - state_names.begin());
}

Result<void> read_evaluations(const json& value, RunResult& result) {
  for (const TaskKind kind : all_tasks()) {
    const auto found = value.find(std::string(task_name(kind)));
    if (!is_question_task(kind) || found == value.end()) continue;
    auto qa = qa_from_json(*found);
    if (!qa) return tl::unexpected(qa.error());
    result.qa = std::move(*qa);
  }
  if (value.contains("perplexity")) {
    auto perplexity = perplexity_from_json(value.at("perplexity"));
    if (!perplexity) return tl::unexpected(perplexity.error());
    result.perplexity = std::move(*perplexity);
  }
  if (value.contains("kl")) {
    auto kl = kl_from_json(value.at("kl"));
    if (!kl) return tl::unexpected(kl.error());
    result.kl = std::move(*kl);
  }
  if (value.contains("speed")) result.speed = speed_from_json(value.at("speed"));
  return {};
}

Result<RunResult> read_result(const json& value) {
  RunResult result;
  auto request = request_from_json(value.at("request"));
  if (!request) return tl::unexpected(request.error());
  result.request = std::move(*request);
  auto resolved = resolved_from_json(value.at("resolved"));
  if (!resolved) return tl::unexpected(resolved.error());
  result.resolved = std::move(*resolved);
  result.provenance = provenance_from_json(value.at("provenance"));
  result.state = state_from_name(value.at("state").get<std::string>());
  result.measured = memory_from_json(value.at("measured"));
  result.mapped_bytes = value.at("mapped_bytes");
  result.peak_resident_bytes = value.at("peak_resident_bytes");
  result.peak_device_bytes = value.value("peak_device_bytes", std::int64_t{0});
  result.load_seconds = value.at("load_seconds");
  for (const json& record : value.at("tensors")) result.tensors.push_back(tensor_from_json(record));
  if (value.contains("error"))
    result.error = Error{ErrorCode::internal, value.at("error").at("message"), {}, value.at("error").at("where")};
  if (auto read = read_evaluations(value, result); !read) return tl::unexpected(read.error());
  return result;
}

Result<RunResult> checked_result(const json& value) {
  try {
    return read_result(value);
  } catch (const json::exception& error) {
    return fail(ErrorCode::corrupt_file, "A run of this file lacks a field or has one of the wrong type.", "run.json",
                error.what());
  }
}

}  // namespace

std::string to_json(const RunResult& result) { return result_to_json(result).dump(2); }

Result<RunResult> run_result_from_json(std::string_view text) {
  const auto value = parse_bounded_json(text, "This run", run_file_limits);
  if (!value) return tl::unexpected(value.error());
  return checked_result(*value);
}

std::string runs_json(std::span<const RunResult> runs) {
  json list = json::array();
  for (const RunResult& run : runs) list.push_back(result_to_json(run));
  return json{{"schema", RunRequest::schema_version}, {"runs", std::move(list)}}.dump(1);
}

Result<std::vector<RunResult>> runs_from_json(std::string_view text) {
  const auto parsed = parse_bounded_json(text, "This run.json", run_file_limits);
  if (!parsed) return tl::unexpected(parsed.error());
  const json& value = *parsed;
  if (!value.contains("runs") || !value["runs"].is_array())
    return fail(ErrorCode::corrupt_file,
                "This is not a run.json of a report: it is no JSON object with a list \"runs\".", "run.json");
  std::vector<RunResult> runs;
  for (const json& item : value["runs"]) {
    auto run = checked_result(item);
    if (!run) return tl::unexpected(run.error());
    runs.push_back(std::move(*run));
  }
  tell_models_apart(runs);
  return runs;
}

}  // namespace quantscope
