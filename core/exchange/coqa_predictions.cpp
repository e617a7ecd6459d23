// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/exchange/coqa_predictions.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/input/bounded_json.h"

namespace quantscope {
namespace {
using nlohmann::json;

bool is_prediction(const json& entry) {
  return entry.is_object() && entry.contains("id") && entry["id"].is_string() && entry.contains("turn_id") &&
         entry["turn_id"].is_number_integer() && entry.contains("answer") && entry["answer"].is_string();
}

}  // namespace

Result<ImportedAnswers> parse_coqa_predictions(std::string_view bytes, const QaDataset& dataset,
                                               std::string_view file) {
  AnswerCollector collector(dataset, file);
  std::size_t entries = 0;
  const auto wrong = [&](std::string_view entry) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("{}: {} is not {{id: text, turn_id: number, answer: text}}.", file, entry),
                std::string(file));
  };
  JsonReading reading;
  reading.take = [&](std::span<const std::string_view> names, json& entry) -> Result<bool> {
    if (names.size() != 1 || !names[0].empty()) return false;
    ++entries;
    if (!is_prediction(entry)) return wrong(fmt::format("entry {}", entries));
    const auto item = collector.find(entry["id"].get<std::string>(), entry["turn_id"].get<std::int64_t>());
    if (item) collector.add(*item, entry["answer"].get_ref<const std::string&>());
    return true;
  };
  const auto rest = parse_bounded_json(bytes, file, {}, reading);
  if (!rest) return tl::unexpected(rest.error());
  if (!rest->is_array())
    return fail(ErrorCode::corrupt_file, fmt::format("{} is not a JSON list of {{id, turn_id, answer}}.", file),
                std::string(file));
  if (!rest->empty()) return wrong("an entry");
  return collector.finish(std::string(unknown_prompt),
                          {"The file of predictions does not say with which prompts they were made."});
}

std::string coqa_predictions(const QaOutcome& outcome) {
  json list = json::array();
  for (const QaAnswer& answer : outcome.answers)
    list.push_back({{"id", answer.story_id}, {"turn_id", answer.turn}, {"answer", answer.prediction}});
  return list.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace quantscope
