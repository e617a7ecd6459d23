// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/request_json.h"

#include "core/experiment/json_fields.h"

namespace quantscope {
namespace {
using nlohmann::json;
}  // namespace

/// Settings travel as the configuration text that users type: one notation for the command line, files and the window.
json settings_to_json(const Settings& settings) { return configuration_text(settings); }

Result<Settings> settings_from_json(const json& value) {
  if (!value.is_string())
    return fail(ErrorCode::invalid_argument,
                "The JSON field \"configuration\" is not a text such as \"nf4:block=128\".", "configuration");
  return parse_configuration(value.get<std::string>());
}

json task_to_json(const Task& task) {
  json value = {{"task", task_name(task.kind)}};
  if (task.kind == TaskKind::speed) {
    value["prompt_tokens"] = task.speed.prompt_tokens;
    value["generated_tokens"] = task.speed.generated_tokens;
    value["repetitions"] = task.speed.repetitions;
    return value;
  }
  value["data"] = task.data;
  value["protocol"] = task.protocol;
  if (is_question_task(task.kind)) {
    value["items"] = task.items == Items::all ? "all" : "last";
    value["sample"] = sample_text(task.sample);
    value["scorer"] = scorer_name(task.scorer);
    value["first_story"] = task.first_story;
    value["last_story"] = task.last_story;
  } else {
    value["first_chunk"] = task.first_chunk;
    value["last_chunk"] = task.last_chunk;
    if (task.base) value["base"] = settings_to_json(*task.base);
  }
  return value;
}

Result<Task> task_from_json(const json& value) {
  std::string kind;
  std::string items = "last";
  std::string sample = "all";
  std::string scorer = "lm-eval";
  std::string base;
  Task task;
  const auto read = JsonFields(value, "a task")
                        .required("task", kind)
                        .optional("data", task.data)
                        .optional("protocol", task.protocol)
                        .optional("items", items)
                        .optional("sample", sample)
                        .optional("scorer", scorer)
                        .optional("first_story", task.first_story)
                        .optional("last_story", task.last_story)
                        .optional("first_chunk", task.first_chunk)
                        .optional("last_chunk", task.last_chunk)
                        .optional("base", base)
                        .optional("prompt_tokens", task.speed.prompt_tokens)
                        .optional("generated_tokens", task.speed.generated_tokens)
                        .optional("repetitions", task.speed.repetitions)
                        .result();
  if (!read) return tl::unexpected(read.error());
  const auto parsed_kind = parse_task(kind);
  if (!parsed_kind) return tl::unexpected(parsed_kind.error());
  const auto parsed_sample = parse_sample(sample);
  if (!parsed_sample) return tl::unexpected(parsed_sample.error());
  const auto parsed_scorer = parse_scorer(scorer);
  if (!parsed_scorer || (items != "last" && items != "all"))
    return fail(ErrorCode::invalid_argument, "The JSON of a task has an unknown scorer or items.", "task");
  if (!base.empty()) {
    auto settings = settings_from_json(base);
    if (!settings) return tl::unexpected(settings.error());
    task.base = std::move(*settings);
  }
  task.kind = *parsed_kind;
  task.sample = *parsed_sample;
  task.scorer = *parsed_scorer;
  task.items = items == "all" ? Items::all : Items::last;
  return task;
}

json request_to_json(const RunRequest& request) {
  json tasks = json::array();
  for (const Task& task : request.tasks) tasks.push_back(task_to_json(task));
  return {{"schema", RunRequest::schema_version},
          {"model", request.model},
          {"configuration", settings_to_json(request.settings)},
          {"tasks", std::move(tasks)}};
}

Result<RunRequest> request_from_json(const json& value) {
  int schema = 0;
  RunRequest request;
  json configuration;
  json tasks = json::array();
  const auto read = JsonFields(value, "a run request")
                        .required("schema", schema)
                        .required("model", request.model)
                        .required("configuration", configuration)
                        .optional("tasks", tasks)
                        .result();
  if (!read) return tl::unexpected(read.error());
  if (schema != RunRequest::schema_version)
    return fail(ErrorCode::unsupported,
                fmt::format("This run request has schema {}; this program reads schema {}.", schema,
                            RunRequest::schema_version),
                "schema");
  auto settings = settings_from_json(configuration);
  if (!settings) return tl::unexpected(settings.error());
  request.settings = std::move(*settings);
  for (const json& item : tasks) {
    auto task = task_from_json(item);
    if (!task) return tl::unexpected(task.error());
    request.tasks.push_back(std::move(*task));
  }
  return request;
}

}  // namespace quantscope
