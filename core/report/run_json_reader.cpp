// SPDX-License-Identifier: GPL-3.0-or-later
// run.json as results. Of a report with many runs most is answers and windows: each becomes its own record as soon as
// it is read, so that neither the whole file nor a whole run is held as JSON.
#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/experiment/json_whole.h"
#include "core/experiment/request_json.h"
#include "core/experiment/run_file_limits.h"
#include "core/report/evaluation_json.h"
#include "core/report/run_json.h"

namespace quantscope {
namespace {
using nlohmann::json;
using Names = std::span<const std::string_view>;

MemoryRows memory_from_json(const json& value) {
  MemoryRows rows;
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    rows.bytes[i] = whole_or_zero(value, memory_tag_name(static_cast<MemoryTag>(i)));
  return rows;
}

/// JSON has no infinity: an exact tensor's SQNR is written as null.
double number_or_infinity(const json& value) {
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::infinity();
}

TensorRecord tensor_from_json(const json& value) {
  return {value.at("name"),
          value.at("format"),
          whole_of_element(value.at("rows")),
          whole_of_element(value.at("columns")),
          {whole_of_element(value.at("codes")), whole_of_element(value.at("scales"))},
          {value.at("relative_error"), number_or_infinity(value.at("sqnr_db")), value.at("cosine"),
           value.at("max_absolute"), value.at("mean_absolute")}};
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
  resolved.as_commonly_reported = whole(value.at("as_commonly_reported"));
  resolved.quantized_values = whole(value.at("quantized_values"));
  resolved.bits_per_quantized_weight = value.at("bits_per_quantized_weight");
  resolved.bits_per_weight = value.at("bits_per_weight");
  return resolved;
}

Provenance provenance_from_json(const json& value) {
  return {value.at("program_version"),
          value.at("checkpoint"),
          value.at("fingerprint"),
          value.at("baseline_note"),
          value.at("device"),
          value.at("dispatch_level"),
          whole(value.at("threads")),
          value.at("started"),
          value.value("imported_from", std::string()),
          value.value("tokenizer", std::string())};
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

/// All of a run but its lists.
Result<RunResult> read_result(const json& value) {
  RunResult result;
  auto request = request_from_json(value.at("request"));
  if (!request) return tl::unexpected(request.error());
  result.request = std::move(*request);
  auto resolved = resolved_from_json(value.at("resolved"));
  if (!resolved) return tl::unexpected(resolved.error());
  result.resolved = std::move(*resolved);
  result.provenance = provenance_from_json(value.at("provenance"));
  result.state = parse_run_state(value.at("state").get<std::string>()).value_or(RunState::failed);
  result.measured = memory_from_json(value.at("measured"));
  result.mapped_bytes = whole(value.at("mapped_bytes"));
  result.peak_resident_bytes = whole(value.at("peak_resident_bytes"));
  result.peak_device_bytes = whole_or_zero(value, "peak_device_bytes");
  result.load_seconds = value.at("load_seconds");
  if (value.contains("error"))
    result.error = Error{ErrorCode::internal, value.at("error").at("message"), {}, value.at("error").at("where")};
  if (auto read = read_evaluations(value, result); !read) return tl::unexpected(read.error());
  return result;
}

tl::unexpected<Error> wrong(std::string detail) {
  return fail(ErrorCode::corrupt_file, "A run of this file lacks a field or has one of the wrong type.", "run.json",
              std::move(detail));
}

/// The lists of one run.
struct RunLists {
  std::vector<TensorRecord> tensors;
  std::map<std::string, std::vector<QaAnswer>, std::less<>> answers;  // by task
  std::vector<PerplexityChunk> perplexity_chunks;
  std::vector<KlChunk> kl_chunks;

  /// Takes an element of one of the lists; `names` lead to it from its run.
  bool take(Names names, const json& value) {
    if (names.empty() || !names.back().empty()) return false;
    const Names list = names.first(names.size() - 1);
    const auto is = [&](std::string_view outer, std::string_view name) {
      return list.size() == 2 && list[0] == outer && list[1] == name;
    };
    if (list.size() == 1 && list[0] == "tensors")
      tensors.push_back(tensor_from_json(value));
    else if (is("perplexity", "chunks"))
      perplexity_chunks.push_back(perplexity_chunk_from_json(value));
    else if (is("kl", "chunks"))
      kl_chunks.push_back(kl_chunk_from_json(value));
    else if (const bool questions = std::ranges::any_of(
                 all_tasks(), [&](TaskKind kind) { return is_question_task(kind) && is(task_name(kind), "items"); });
             questions)
      answers[std::string(list[0])].push_back(answer_from_json(value));
    else
      return false;
    return true;
  }

  void move_to(RunResult& result) {
    result.tensors = std::move(tensors);
    if (result.qa) result.qa->answers = std::move(answers[std::string(task_name(result.qa->task.kind))]);
    if (result.perplexity) result.perplexity->result.chunks = std::move(perplexity_chunks);
    if (result.kl) result.kl->result.chunks = std::move(kl_chunks);
  }
};

/// Whether the lists that a result must have are there, with nothing in them that was not taken.
bool has_lists(const json& value, const RunResult& result) {
  const auto is_read = [](const json& list) { return list.is_array() && list.empty(); };
  return is_read(value.at("tensors")) &&
         (!result.qa || is_read(value.at(std::string(task_name(result.qa->task.kind))).at("items"))) &&
         (!result.perplexity || is_read(value.at("perplexity").at("chunks"))) &&
         (!result.kl || is_read(value.at("kl").at("chunks")));
}

/// Reads the runs that stand at one place of a text, part by part.
class RunsReader {
 public:
  /// `place`: the names that lead to a run.
  explicit RunsReader(std::vector<std::string_view> place) : place_(std::move(place)) {}

  /// What of the text is no part of a run.
  Result<json> read(std::string_view text, std::string_view name) {
    JsonReading reading;
    reading.kept = most_values_of_run;
    reading.take = [this](Names names, json& value) { return take(names, value); };
    return parse_bounded_json(text, name, run_file_limits, reading);
  }

  std::vector<RunResult>& runs() { return runs_; }

 private:
  Result<bool> take(Names names, const json& value) {
    if (names.size() < place_.size() || !std::ranges::equal(names.first(place_.size()), place_)) return false;
    try {
      const Names inside = names.subspan(place_.size());
      return inside.empty() ? end_run(value) : lists_.take(inside, value);
    } catch (const json::exception& error) {
      return wrong(error.what());
    }
  }

  Result<bool> end_run(const json& value) {
    if (runs_.size() == most_runs_of_file)
      return fail(ErrorCode::unsupported,
                  "This run.json holds more runs than are read of one; split it into several files.", "run.json");
    auto result = read_result(value);
    if (!result) return tl::unexpected(result.error());
    if (!has_lists(value, *result)) return wrong("a list has elements that are no objects");
    lists_.move_to(*result);
    lists_ = {};
    runs_.push_back(std::move(*result));
    return true;
  }

  std::vector<std::string_view> place_;
  RunLists lists_;
  std::vector<RunResult> runs_;
};

}  // namespace

Result<RunResult> run_result_from_json(std::string_view text) {
  RunsReader reader({});
  if (const auto rest = reader.read(text, "This run"); !rest) return tl::unexpected(rest.error());
  if (reader.runs().empty()) return wrong("it is no object");
  return std::move(reader.runs().front());
}

Result<std::vector<RunResult>> runs_from_json(std::string_view text) {
  RunsReader reader({"runs", ""});
  const auto rest = reader.read(text, "This run.json");
  if (!rest) return tl::unexpected(rest.error());
  if (!rest->is_object() || !rest->contains("runs") || !rest->at("runs").is_array())
    return fail(ErrorCode::corrupt_file,
                "This is not a run.json of a report: it is no JSON object with a list \"runs\".", "run.json");
  if (!rest->at("runs").empty()) return wrong("a run is no object");
  tell_models_apart(reader.runs());
  return std::move(reader.runs());
}

}  // namespace quantscope
