// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <xxhash.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "core/evaluate/dataset.h"
#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// The largest official file, coqa-train-v1.0.json, has 49 MB. A hostile file of this size, nothing but empty lists,
/// takes 25 times as much memory.
constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20U;
/// The layout needs six levels; deeper values are dropped unread, so that a hostile file cannot multiply memory.
constexpr int deepest_level = 8;

/// Where in the file a value stands, for messages: file, story ("story 3 ('id')") and field ("answers[2].input_text").
struct Place {
  std::string_view file;
  std::string story;

  tl::unexpected<Error> wrong(std::string_view field, std::string_view problem) const {
    const std::string field_place = story.empty() ? std::string(field) : fmt::format("{}, {}", story, field);
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}' does not follow CoQA's layout: {} {}.", file, field_place, problem),
                fmt::format("{}: {}", file, field_place));
  }
};

/// What a value is, as a message says it.
std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::object: return "an object";
    case json::value_t::array: return "a list";
    case json::value_t::string: return "text";
    case json::value_t::boolean: return "true or false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: return "a number";
    default: return "null";
  }
}

const json* member(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> required_text(const json& object, std::string_view key, std::string_view field,
                                  const Place& place) {
  const json* value = member(object, key);
  if (value == nullptr) return place.wrong(field, "is missing");
  if (!value->is_string()) return place.wrong(field, fmt::format("must be text and is {}", kind_of(*value)));
  return value->get<std::string>();
}

Result<std::string> optional_text(const json& object, std::string_view key, std::string_view field,
                                  const Place& place) {
  const json* value = member(object, key);
  if (value == nullptr || value->is_null()) return std::string();
  return required_text(object, key, field, place);
}

/// Turns are numbered 1, 2, 3, ...; anything else means that questions and answers do not line up.
Result<void> check_turn(const json& entry, std::size_t index, std::string_view field, const Place& place) {
  const json* turn = member(entry, "turn_id");
  if (turn == nullptr) return place.wrong(fmt::format("{}.turn_id", field), "is missing");
  if (!turn->is_number_integer()) {
    return place.wrong(fmt::format("{}.turn_id", field),
                       fmt::format("must be a whole number and is {}", kind_of(*turn)));
  }
  if (*turn != index + 1) {
    return place.wrong(fmt::format("{}.turn_id", field), fmt::format("must be {} and is {}", index + 1, turn->dump()));
  }
  return {};
}

/// The `input_text` of each entry of a list of turns.
Result<std::vector<std::string>> turn_texts(const json* list, std::string_view field, const Place& place) {
  if (list == nullptr) return place.wrong(field, "is missing");
  if (!list->is_array()) return place.wrong(field, fmt::format("must be a list and is {}", kind_of(*list)));
  std::vector<std::string> texts;
  texts.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json& entry = (*list)[i];
    const std::string entry_field = fmt::format("{}[{}]", field, i);
    if (!entry.is_object()) {
      return place.wrong(entry_field, fmt::format("must be an object and is {}", kind_of(entry)));
    }
    if (auto turn = check_turn(entry, i, entry_field, place); !turn) return tl::unexpected(turn.error());
    auto text = required_text(entry, "input_text", entry_field + ".input_text", place);
    if (!text) return tl::unexpected(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

/// Adds one annotator's answers to the references of the story's questions.
Result<void> add_references(const json* list, std::string_view field, const Place& place, QaStory& story) {
  auto texts = turn_texts(list, field, place);
  if (!texts) return tl::unexpected(texts.error());
  if (texts->size() != story.questions.size()) {
    return place.wrong(field, fmt::format("has {} answers for {} questions", texts->size(), story.questions.size()));
  }
  for (std::size_t i = 0; i < texts->size(); ++i) story.questions[i].references.push_back(std::move((*texts)[i]));
  return {};
}

/// Reference order is fixed by the annotators' numbers, whatever the order in the file.
Result<void> add_additional_references(const json& entry, const Place& place, QaStory& story) {
  const json* additional = member(entry, "additional_answers");
  if (additional == nullptr || additional->is_null()) return {};
  if (!additional->is_object()) {
    return place.wrong("additional_answers", fmt::format("must be an object and is {}", kind_of(*additional)));
  }
  for (std::size_t annotator = 0; annotator < additional->size(); ++annotator) {
    const std::string key = std::to_string(annotator);
    auto added = add_references(member(*additional, key), fmt::format("additional_answers[\"{}\"]", key), place, story);
    if (!added) return added;
  }
  return {};
}

Result<void> read_questions(const json& entry, const Place& place, QaStory& story) {
  auto texts = turn_texts(member(entry, "questions"), "questions", place);
  if (!texts) return tl::unexpected(texts.error());
  if (texts->empty()) return place.wrong("questions", "is empty");
  for (std::size_t i = 0; i < texts->size(); ++i) {
    story.questions.push_back({static_cast<int>(i + 1), std::move((*texts)[i]), {}});
  }
  return {};
}

Result<QaStory> read_story(const json& entry, std::size_t index, std::string_view file) {
  Place place{file, fmt::format("data[{}]", index)};
  if (!entry.is_object()) return place.wrong("the story", fmt::format("must be an object and is {}", kind_of(entry)));
  if (member(entry, "paragraphs") != nullptr)
    return place.wrong("paragraphs", "belongs to SQuAD's layout, which is not read here");
  QaStory story;
  auto id = required_text(entry, "id", "id", place);
  if (!id) return tl::unexpected(id.error());
  story.id = std::move(*id);
  if (story.id.empty()) return place.wrong("id", "is empty");
  place.story = fmt::format("story {} (id '{}')", index + 1, story.id);
  auto source = optional_text(entry, "source", "source", place);
  if (!source) return tl::unexpected(source.error());
  story.source = std::move(*source);
  auto text = required_text(entry, "story", "story", place);
  if (!text) return tl::unexpected(text.error());
  story.text = std::move(*text);
  if (story.text.empty()) return place.wrong("story", "is empty");
  auto filled = read_questions(entry, place, story)
                    .and_then([&] { return add_references(member(entry, "answers"), "answers", place, story); })
                    .and_then([&] { return add_additional_references(entry, place, story); });
  if (!filled) return tl::unexpected(filled.error());
  return story;
}

/// Two stories of one id could not be told apart in a result file.
Result<std::vector<QaStory>> read_stories(const json& data, std::string_view file) {
  std::vector<QaStory> stories;
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto story = read_story(data[i], i, file);
    if (!story) return tl::unexpected(story.error());
    const auto [other, is_new] = seen.emplace(story->id, i);
    if (!is_new) {
      return Place{file, {}}.wrong(fmt::format("id '{}'", story->id),
                                   fmt::format("is used by stories {} and {}", other->second + 1, i + 1));
    }
    stories.push_back(std::move(*story));
  }
  return stories;
}

Result<json> parse_json(std::string_view bytes, std::string_view file) {
  if (bytes.empty()) return fail(ErrorCode::corrupt_file, fmt::format("'{}' is empty.", file), std::string(file));
  if (const auto invalid = find_invalid_utf8(bytes)) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}' is not UTF-8 text: byte {} does not belong to a character; save the file as UTF-8.",
                            file, *invalid),
                fmt::format("{}: byte {}", file, *invalid));
  }
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= deepest_level; };
  try {
    return json::parse(bytes, shallow);
  } catch (const json::parse_error& error) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}' is not JSON: it cannot be read past byte {}.", file, error.byte),
                fmt::format("{}: byte {}", file, error.byte), error.what());
  } catch (const json::exception& error) {  // a number beyond the range of double
    return fail(ErrorCode::corrupt_file, fmt::format("'{}' is not JSON that can be read.", file), std::string(file),
                error.what());
  }
}

std::string hash_text(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  std::string text;
  for (const unsigned char byte : canonical.digest) text += fmt::format("{:02x}", byte);
  return text;
}

bool has_single_references(const std::vector<QaStory>& stories) {
  for (const QaStory& story : stories) {
    for (const QaQuestion& question : story.questions) {
      if (question.references.size() > 1) return false;
    }
  }
  return true;
}

Result<std::string> read_bytes(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorCode::not_found, fmt::format("'{}' does not exist; choose another dataset file.", name), name);
  }
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a file; choose a dataset file.", name), name);
  }
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  std::ifstream file(path, std::ios::binary);
  if (problem || !file) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be opened; check its permissions.", name), name);
  }
  if (size > largest_file) {
    return fail(ErrorCode::unsupported,
                fmt::format("'{}' has {} bytes and a dataset may have at most {}; choose a smaller file.", name, size,
                            largest_file),
                name);
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be read; it may have been changed meanwhile.", name), name);
  }
  return bytes;
}

}  // namespace

Result<QaDataset> parse_coqa(std::string_view bytes, std::string_view file_name) {
  const Place place{file_name, {}};
  auto root = parse_json(bytes, file_name);
  if (!root) return tl::unexpected(root.error());
  if (!root->is_object())
    return place.wrong("the outermost value", fmt::format("must be an object and is {}", kind_of(*root)));
  const json* data = member(*root, "data");
  if (data == nullptr) return place.wrong("data", "is missing");
  if (!data->is_array()) return place.wrong("data", fmt::format("must be a list and is {}", kind_of(*data)));
  if (data->empty()) return place.wrong("data", "has no stories");

  QaDataset dataset;
  auto stories = read_stories(*data, file_name);
  if (!stories) return tl::unexpected(stories.error());
  dataset.stories = std::move(*stories);
  auto name = optional_text(*root, "name", "name", place);
  if (!name) return tl::unexpected(name.error());
  dataset.name = name->empty() ? std::string(file_name) : std::move(*name);
  const json* sample = member(*root, "quantscope_sample");
  dataset.bundled_sample = sample != nullptr && *sample == true;
  dataset.single_reference = has_single_references(dataset.stories);
  dataset.hash = hash_text(bytes);
  return dataset;
}

Result<QaDataset> read_coqa(const std::filesystem::path& path) {
  auto bytes = read_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_coqa(*bytes, path.filename().string());
}

}  // namespace quantscope
