// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "core/evaluate/dataset.h"
#include "core/evaluate/dataset_json.h"
#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view layout = "a file of records";

/// The dataset while it is read.
class RecordReader {
 public:
  explicit RecordReader(std::string_view file) : file_(file) { dataset_.name = file; }

  Result<void> read(const json& root) {
    if (!root.is_array()) return read_record(root, 1);
    for (std::size_t i = 0; i < root.size(); ++i)
      if (auto done = read_record(root[i], i + 1); !done) return done;
    return {};
  }

  Result<QaDataset> take() {
    if (dataset_.stories.empty())
      return DatasetPlace{file_, layout, {}}.wrong("the file", "has no record with an answer");
    for (std::string sentence : {left_out(unanswered_, "they have no answer"), left_out(silent_, "they ask nothing"),
                                 left_out(blank_answers_, "others of the same question remain", "blank answer")})
      if (!sentence.empty()) dataset_.repairs.push_back(std::move(sentence));
    return std::move(dataset_);
  }

 private:
  Result<void> read_record(const json& record, std::size_t number) {
    const DatasetPlace place{file_, layout, fmt::format("record {}", number)};
    if (!record.is_object())
      return place.wrong("the record", fmt::format("must be an object and is {}", kind_of(record)));
    const QaPrompt prompt = member(record, "prompt") != nullptr ? QaPrompt::completion : QaPrompt::single_question;
    if (number > 1 && prompt != dataset_.prompt)
      return place.wrong("the record", "has a prompt where the first has a question, or the other way round");
    dataset_.prompt = prompt;
    auto id = record_id(record, number, place);
    if (!id) return tl::unexpected(id.error());
    const bool completion = prompt == QaPrompt::completion;
    auto text = completion ? required_text(record, "prompt", "prompt", place)
                           : optional_text(record, "context", "context", place);
    auto question =
        completion ? Result<std::string>(std::string()) : required_text(record, "question", "question", place);
    auto source = optional_text(record, "source", "source", place);
    auto references = read_references(record, completion, place);
    for (const Error* error : {error_in(text), error_in(question), error_in(source), error_in(references)})
      if (error != nullptr) return tl::unexpected(*error);
    const std::size_t blank = std::erase_if(*references, is_blank);
    if (is_blank(completion ? *text : *question)) {
      silent_.push_back(std::move(*id));
      return {};
    }
    if (references->empty()) {
      unanswered_.push_back(std::move(*id));
      return {};
    }
    blank_answers_.insert(blank_answers_.end(), blank, *id);
    add({std::move(*id), std::move(*source), {}, std::move(*text), {}}, std::move(*question), std::move(*references));
    return {};
  }

  template <class T>
  static const Error* error_in(const Result<T>& result) {
    return result ? nullptr : &result.error();
  }

  static bool is_blank(const std::string& text) { return strip(text).empty(); }

  /// The record's own id, which must be the only one, or its place in the file.
  Result<std::string> record_id(const json& record, std::size_t number, const DatasetPlace& place) {
    const json* own = member(record, "id");
    if (own == nullptr || own->is_null()) return fmt::format("record {}", number);
    std::string id;
    if (own->is_string())
      id = own->get<std::string>();
    else if (own->is_number_integer())
      id = own->dump();
    else
      return place.wrong("id", fmt::format("must be text or a whole number and is {}", kind_of(*own)));
    if (!ids_.insert(id).second) return place.wrong("id", fmt::format("'{}' is used twice", id));
    return id;
  }

  /// `answers` or `answer`, text or a list of texts, or the completion; empty when there is none.
  static Result<std::vector<std::string>> read_references(const json& record, bool completion,
                                                          const DatasetPlace& place) {
    for (const char* field : {"answers", "answer", "completion"}) {
      const json* value = member(record, field);
      if (value == nullptr || value->is_null() || completion != (std::string_view(field) == "completion")) continue;
      if (value->is_string()) return std::vector<std::string>{value->get<std::string>()};
      return texts_of(*value, field, place);
    }
    return std::vector<std::string>();
  }

  void add(QaStory story, std::string question, std::vector<std::string> references) {
    const bool same_context = dataset_.prompt == QaPrompt::single_question && !dataset_.stories.empty() &&
                              !story.text.empty() && dataset_.stories.back().text == story.text;
    if (!same_context) dataset_.stories.push_back(std::move(story));
    auto& questions = dataset_.stories.back().questions;
    questions.push_back({static_cast<int>(questions.size() + 1), std::move(question), std::move(references)});
  }

  std::string_view file_;
  QaDataset dataset_;
  std::unordered_set<std::string> ids_;
  std::vector<std::string> unanswered_, silent_, blank_answers_;  // ids
};

}  // namespace

Result<QaDataset> parse_records(std::string_view bytes, std::string_view file_name, const std::stop_token& stop) {
  auto root = parse_dataset_json(bytes, file_name, stop);
  if (!root) return tl::unexpected(root.error());
  RecordReader reader(file_name);
  if (auto done = reader.read(*root); !done) return tl::unexpected(done.error());
  auto dataset = reader.take();
  if (dataset) finish_dataset(*dataset, bytes);
  return dataset;
}

Result<QaDataset> read_records(const std::filesystem::path& path, const std::stop_token& stop) {
  auto bytes = read_dataset_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_records(*bytes, path.filename().string(), stop);
}

}  // namespace quantscope
