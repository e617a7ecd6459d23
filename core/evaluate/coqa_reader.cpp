// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "core/evaluate/dataset.h"
#include "core/evaluate/dataset_json.h"
#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view layout = "CoQA";

/// Turns are numbered 1, 2, 3, ...; anything else means that questions and answers do not line up.
Result<void> check_turn(const json& entry, std::size_t index, std::string_view field, const DatasetPlace& place) {
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

/// Official layout: a list of turns, each with `input_text`.
Result<std::vector<std::string>> texts_of_turns(const json& list, std::string_view field, const DatasetPlace& place) {
  std::vector<std::string> texts;
  texts.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& entry = list[i];
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

/// Hugging Face rows: one object of columns, `input_text` and, in EleutherAI/coqa, `turn_id`.
Result<std::vector<std::string>> texts_of_columns(const json& columns, std::string_view field,
                                                  const DatasetPlace& place) {
  const std::string texts_field = fmt::format("{}.input_text", field);
  const json* column = member(columns, "input_text");
  if (column == nullptr) return place.wrong(texts_field, "is missing");
  const json* turns = member(columns, "turn_id");
  if (turns != nullptr && turns->is_array()) {
    for (std::size_t i = 0; i < turns->size(); ++i) {
      if ((*turns)[i] == i + 1) continue;
      return place.wrong(fmt::format("{}.turn_id[{}]", field, i),
                         fmt::format("must be {} and is {}", i + 1, (*turns)[i].dump()));
    }
  }
  return texts_of(*column, texts_field, place);
}

/// The text of each turn in any of the layouts; stanfordnlp/coqa has plain lists of questions.
Result<std::vector<std::string>> turn_texts(const json* turns, std::string_view field, const DatasetPlace& place) {
  if (turns == nullptr) return place.wrong(field, "is missing");
  if (turns->is_object()) return texts_of_columns(*turns, field, place);
  if (!turns->is_array()) return place.wrong(field, fmt::format("must be a list and is {}", kind_of(*turns)));
  if (!turns->empty() && turns->front().is_string()) return texts_of(*turns, field, place);
  return texts_of_turns(*turns, field, place);
}

/// Adds one annotator's answers to the references of the story's questions.
Result<void> add_references(const json* list, std::string_view field, const DatasetPlace& place, QaStory& story) {
  auto texts = turn_texts(list, field, place);
  if (!texts) return tl::unexpected(texts.error());
  if (texts->size() != story.questions.size()) {
    return place.wrong(field, fmt::format("has {} answers for {} questions", texts->size(), story.questions.size()));
  }
  for (std::size_t i = 0; i < texts->size(); ++i) story.questions[i].references.push_back(std::move((*texts)[i]));
  return {};
}

/// Reference order is fixed by the annotators' numbers, whatever the order in the file.
Result<void> add_additional_references(const json& entry, const DatasetPlace& place, QaStory& story) {
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

Result<void> read_questions(const json& entry, const DatasetPlace& place, QaStory& story) {
  auto texts = turn_texts(member(entry, "questions"), "questions", place);
  if (!texts) return tl::unexpected(texts.error());
  if (texts->empty()) return place.wrong("questions", "is empty");
  for (std::size_t i = 0; i < texts->size(); ++i) {
    story.questions.push_back({static_cast<int>(i + 1), std::move((*texts)[i]), {}});
  }
  return {};
}

/// Turns that are blank, by name.
struct BlankTurns {
  std::vector<std::string> left_out;    ///< the question or its own answer
  std::vector<std::string> additional;  ///< an additional answer only

  std::vector<std::string> sentences() const {
    std::vector<std::string> list;
    constexpr std::string_view why = "with their turn of the dialogue, as the question or its own answer is blank";
    if (!left_out.empty()) list.push_back(quantscope::left_out(left_out, why));
    if (!additional.empty())
      list.push_back(fmt::format("Blank additional answers, which count as references all the same, have {}: {}.",
                                 additional.size() == 1 ? "1 question" : fmt::format("{} questions", additional.size()),
                                 first_names(additional)));
    return list;
  }
};

bool is_blank(const std::string& text) { return strip(text).empty(); }

/// Takes the references off the turns that cannot be asked.
void find_blanks(QaStory& story, BlankTurns& blanks) {
  for (QaQuestion& question : story.questions) {
    std::string name = fmt::format("{} turn {}", story.id, question.turn);
    if (is_blank(question.text) || is_blank(question.references.front())) {
      blanks.left_out.push_back(std::move(name));
      question.references.clear();
    } else if (std::ranges::any_of(question.references, is_blank)) {
      blanks.additional.push_back(std::move(name));
    }
  }
}

/// Rows of stanfordnlp/coqa have no id: they are called after their place in the file.
Result<std::string> story_id(const json& entry, std::size_t index, bool is_row, const DatasetPlace& place) {
  if (is_row && member(entry, "id") == nullptr) return fmt::format("row {}", index + 1);
  auto id = required_text(entry, "id", "id", place);
  if (id && id->empty()) return place.wrong("id", "is empty");
  return id;
}

Result<QaStory> read_story(const json& entry, std::size_t index, bool is_row, std::string_view file) {
  DatasetPlace place{file, layout, is_row ? fmt::format("row {}", index + 1) : fmt::format("data[{}]", index)};
  if (!entry.is_object()) return place.wrong("the story", fmt::format("must be an object and is {}", kind_of(entry)));
  if (member(entry, "paragraphs") != nullptr || member(entry, "context") != nullptr)
    return place.wrong("the file", "has SQuAD's layout; choose the task squad for it");
  QaStory story;
  auto id = story_id(entry, index, is_row, place);
  if (!id) return tl::unexpected(id.error());
  story.id = std::move(*id);
  place.item = fmt::format("story {} (id '{}')", index + 1, story.id);
  auto source = optional_text(entry, "source", "source", place);
  if (!source) return tl::unexpected(source.error());
  story.source = std::move(*source);
  auto text = required_text(entry, "story", "story", place);
  if (!text) return tl::unexpected(text.error());
  story.text = std::move(*text);
  if (is_blank(story.text)) return place.wrong("story", "is empty");
  auto filled = read_questions(entry, place, story)
                    .and_then([&] { return add_references(member(entry, "answers"), "answers", place, story); })
                    .and_then([&] { return add_additional_references(entry, place, story); });
  if (!filled) return tl::unexpected(filled.error());
  return story;
}

/// Two stories of one id could not be told apart in a result file.
Result<std::vector<QaStory>> read_stories(const json& data, bool is_rows, std::string_view file, BlankTurns& blanks) {
  std::vector<QaStory> stories;
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < data.size(); ++i) {
    auto story = read_story(data[i], i, is_rows, file);
    if (!story) return tl::unexpected(story.error());
    const auto [other, is_new] = seen.emplace(story->id, i);
    if (!is_new) {
      return DatasetPlace{file, layout, {}}.wrong(
          fmt::format("id '{}'", story->id), fmt::format("is used by stories {} and {}", other->second + 1, i + 1));
    }
    find_blanks(*story, blanks);
    stories.push_back(std::move(*story));
  }
  return stories;
}

/// The list of stories: `data` of the official object, or the rows of a Hugging Face export.
Result<const json*> find_stories(const json& root, const DatasetPlace& place) {
  if (!root.is_object() && !root.is_array())
    return place.wrong("the outermost value", fmt::format("must be an object or a list and is {}", kind_of(root)));
  const json* data = root.is_array() ? &root : member(root, "data");
  if (data == nullptr) return place.wrong("data", "is missing");
  if (!data->is_array()) return place.wrong("data", fmt::format("must be a list and is {}", kind_of(*data)));
  if (data->empty()) return place.wrong("data", "has no stories");
  return data;
}

}  // namespace

Result<QaDataset> parse_coqa(std::string_view bytes, std::string_view file_name, const std::stop_token& stop) {
  const DatasetPlace place{file_name, layout, {}};
  auto root = parse_dataset_json(bytes, file_name, stop);
  if (!root) return tl::unexpected(root.error());
  if (member(*root, "story") != nullptr) *root = json::array({std::move(*root)});  // a file of one row
  const auto data = find_stories(*root, place);
  if (!data) return tl::unexpected(data.error());

  QaDataset dataset;
  BlankTurns blanks;
  auto stories = read_stories(**data, root->is_array(), file_name, blanks);
  if (!stories) return tl::unexpected(stories.error());
  dataset.stories = std::move(*stories);
  if (!choose_items(dataset, Items::all, {})) return place.wrong("the file", "has no question with an answer");
  dataset.repairs = blanks.sentences();
  auto name = optional_text(*root, "name", "name", place);
  if (!name) return tl::unexpected(name.error());
  dataset.name = name->empty() ? std::string(file_name) : std::move(*name);
  const json* sample = member(*root, "quantscope_sample");
  dataset.bundled_sample = sample != nullptr && *sample == true;
  finish_dataset(dataset, bytes);
  return dataset;
}

Result<QaDataset> read_coqa(const std::filesystem::path& path, const std::stop_token& stop) {
  auto bytes = read_dataset_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_coqa(*bytes, path.filename().string(), stop);
}

}  // namespace quantscope
