// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/preset.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "core/experiment/json_fields.h"
#include "core/experiment/request_json.h"
#include "core/input/bounded_file.h"
#include "core/input/bounded_json.h"

namespace quantscope {
namespace {
using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uintmax_t largest_preset = std::uintmax_t{1} << 20U;

template <class T>
void read_figure(const json& row, const char* key, std::optional<T>& figure) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_number()) figure = found->get<T>();
}

Result<PublishedRow> row_from(const json& value) {
  PublishedRow row;
  const auto read = JsonFields(value, "a published figure")
                        .required("configuration", row.configuration)
                        .optional("hardware", row.hardware)
                        .optional("note", row.note)
                        .result();
  if (!read) return tl::unexpected(read.error());
  read_figure(value, "n", row.n);
  read_figure(value, "f1", row.f1);
  read_figure(value, "f1_error", row.f1_error);
  read_figure(value, "em", row.em);
  read_figure(value, "em_error", row.em_error);
  read_figure(value, "weights_mib", row.weights_mib);
  return row;
}

Result<void> read_published(const json& value, Preset& preset) {
  json rows = json::array();
  const auto read = JsonFields(value, "the published figures")
                        .required("source", preset.source)
                        .required("rows", rows)
                        .required("caveats", preset.caveats)
                        .result();
  if (!read) return read;
  for (const json& item : rows) {
    auto row = row_from(item);
    if (!row) return tl::unexpected(row.error());
    preset.published.push_back(std::move(*row));
  }
  return {};
}

Result<Preset> preset_from(const json& value) {
  Preset preset;
  json tasks = json::array(), missing = json::array(), published;
  const auto read = JsonFields(value, "a preset")
                        .required("name", preset.name)
                        .required("title", preset.title)
                        .required("configurations", preset.configurations)
                        .required("tasks", tasks)
                        .optional("not_available", missing)
                        .required("published", published)
                        .result();
  if (!read) return tl::unexpected(read.error());
  for (const json& item : tasks) {
    auto task = task_from_json(item);
    if (!task) return tl::unexpected(task.error());
    preset.tasks.push_back(std::move(*task));
  }
  for (const json& item : missing) {
    Preset::Missing entry;
    const auto fields = JsonFields(item, "a missing configuration")
                            .required("configuration", entry.configuration)
                            .required("why", entry.why)
                            .result();
    if (!fields) return tl::unexpected(fields.error());
    preset.not_available.push_back(std::move(entry));
  }
  if (auto done = read_published(published, preset); !done) return tl::unexpected(done.error());
  return preset;
}

std::string known_presets(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  std::string list;
  for (const std::string& name : names) list += " " + name;
  return list.empty() ? " none" : list;
}

}  // namespace

Result<Preset> read_preset(const ResourcePaths& paths, std::string_view name) {
  const fs::path folder = paths.resources / "presets";
  const bool plain = name.find_first_of("/\\.") == std::string_view::npos;
  const fs::path file = folder / (std::string(name) + ".json");
  std::error_code ignored;
  if (!plain || !fs::exists(file, ignored))
    return fail(ErrorCode::invalid_argument,
                fmt::format("There is no preset \"{}\"; there are:{}.", name, known_presets(folder)), "preset");
  const auto text = read_bounded_file(file, largest_preset, "preset");
  if (!text) return tl::unexpected(text.error());
  const auto value = parse_bounded_json(*text, fmt::format("The preset {}", name));
  if (!value) return tl::unexpected(value.error());
  return preset_from(*value);
}

std::vector<std::string> differences_from(const Preset& preset, std::span<const RunResult> runs) {
  std::vector<std::string> sentences;
  if (preset.published.empty() || runs.empty()) return sentences;
  sentences.push_back(fmt::format("Your runs are of {}; the figures are of another checkpoint unless that is the same.",
                                  runs.front().provenance.checkpoint));
  const auto& qa = runs.front().qa;
  if (!qa || preset.tasks.empty()) return sentences;
  const auto n = static_cast<std::int64_t>(qa->answers.size());
  if (const auto& published_n = preset.published.front().n; published_n && *published_n != n)
    sentences.push_back(fmt::format("Your runs answered {} questions, the published ones {}.", n, *published_n));
  if (std::ranges::any_of(qa->notes, [](const std::string& note) { return note.starts_with("Bundled sample"); }))
    sentences.push_back("Your runs answered the bundled sample, which is not CoQA: the scores cannot be compared.");
  if (qa->task.scorer != preset.tasks.front().scorer)
    sentences.push_back(fmt::format("Your runs are scored by {}, the published ones by {}.",
                                    scorer_label(qa->task.scorer), scorer_label(preset.tasks.front().scorer)));
  return sentences;
}

}  // namespace quantscope
