// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "core/evaluate/dataset.h"
#include "core/evaluate/dataset_json.h"

namespace quantscope {
namespace {

using nlohmann::json;

constexpr std::string_view layout = "SQuAD";

/// The dataset while it is read.
class SquadReader {
 public:
  explicit SquadReader(std::string_view file) : file_(file) {
    dataset_.prompt = QaPrompt::squad;
    dataset_.name = file;
  }

  Result<void> read(const json& root) {
    if (root.is_array()) return read_rows(root);
    if (member(root, "question") != nullptr) return read_rows(json::array({root}));
    const json* data = member(root, "data");
    if (data == nullptr || !data->is_array()) return place("").wrong("data", "must be a list of articles");
    for (std::size_t i = 0; i < data->size(); ++i)
      if (auto done = read_article((*data)[i], i); !done) return done;
    return {};
  }

  Result<QaDataset> take() {
    std::erase_if(dataset_.stories, [](const QaStory& story) { return story.questions.empty(); });
    if (dataset_.stories.empty()) return place("").wrong("the file", "has no questions with answers");
    if (auto sentence = left_out(unanswered_, "they have no answers and are not marked is_impossible");
        !sentence.empty())
      dataset_.repairs.push_back(std::move(sentence));
    return std::move(dataset_);
  }

 private:
  DatasetPlace place(std::string item) const { return {file_, layout, std::move(item)}; }

  Result<void> read_article(const json& article, std::size_t index) {
    const std::string where = fmt::format("data[{}]", index);
    if (member(article, "story") != nullptr)
      return place("").wrong("the file", "has CoQA's layout; choose the task coqa for it");
    auto title = required_text(article, "title", "title", place(where));
    if (!title) return tl::unexpected(title.error());
    const json* paragraphs = member(article, "paragraphs");
    if (paragraphs == nullptr || !paragraphs->is_array()) return place(where).wrong("paragraphs", "must be a list");
    for (std::size_t i = 0; i < paragraphs->size(); ++i) {
      auto done = read_paragraph((*paragraphs)[i], *title, i, fmt::format("{}.paragraphs[{}]", where, i));
      if (!done) return done;
    }
    return {};
  }

  Result<void> read_paragraph(const json& paragraph, const std::string& title, std::size_t index,
                              const std::string& where) {
    auto context = required_text(paragraph, "context", "context", place(where));
    if (!context) return tl::unexpected(context.error());
    const json* questions = member(paragraph, "qas");
    if (questions == nullptr || !questions->is_array()) return place(where).wrong("qas", "must be a list");
    add_story(title, index, std::move(*context));
    for (std::size_t i = 0; i < questions->size(); ++i)
      if (auto done = read_question((*questions)[i], fmt::format("{}.qas[{}]", where, i)); !done) return done;
    return {};
  }

  Result<void> read_question(const json& question, const std::string& where) {
    const json* answers = member(question, "answers");
    if (answers != nullptr && !answers->is_array()) return place(where).wrong("answers", "must be a list");
    const json* impossible = member(question, "is_impossible");
    std::vector<std::string> references;
    if (impossible != nullptr && *impossible == true) {
      references.emplace_back();
    } else if (answers != nullptr) {
      for (std::size_t i = 0; i < answers->size(); ++i) {
        auto text = required_text((*answers)[i], "text", fmt::format("answers[{}].text", i), place(where));
        if (!text) return tl::unexpected(text.error());
        references.push_back(std::move(*text));
      }
    }
    return add_question(question, std::move(references), where);
  }

  /// Rows of one context follow each other.
  Result<void> read_rows(const json& rows) {
    std::size_t paragraph = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const json& row = rows[i];
      const std::string where = fmt::format("row {}", i + 1);
      if (member(row, "story") != nullptr)
        return place("").wrong("the file", "has CoQA's layout; choose the task coqa for it");
      auto context = required_text(row, "context", "context", place(where));
      if (!context) return tl::unexpected(context.error());
      auto title = optional_text(row, "title", "title", place(where));
      if (!title) return tl::unexpected(title.error());
      const bool same_article = !dataset_.stories.empty() && dataset_.stories.back().title == *title;
      if (!same_article) paragraph = 0;
      if (!same_article || dataset_.stories.back().text != *context)
        add_story(*title, paragraph++, std::move(*context));
      if (auto done = read_row_question(row, where); !done) return done;
    }
    return {};
  }

  /// An empty list of texts is how the export says that there is no answer.
  Result<void> read_row_question(const json& row, const std::string& where) {
    const json* answers = member(row, "answers");
    const json* texts = answers == nullptr ? nullptr : member(*answers, "text");
    if (texts == nullptr) return place(where).wrong("answers.text", "is missing");
    auto references = texts_of(*texts, "answers.text", place(where));
    if (!references) return tl::unexpected(references.error());
    if (references->empty()) references->emplace_back();
    return add_question(row, std::move(*references), where);
  }

  void add_story(const std::string& title, std::size_t paragraph, std::string context) {
    QaStory story;
    story.id = fmt::format("{}#{}", title, paragraph);
    story.source = title;
    story.title = title;
    story.text = std::move(context);
    dataset_.stories.push_back(std::move(story));
  }

  /// Two questions of one id could not be told apart in a result file.
  Result<void> add_question(const json& question, std::vector<std::string> references, const std::string& where) {
    auto id = required_text(question, "id", "id", place(where));
    if (!id) return tl::unexpected(id.error());
    auto text = required_text(question, "question", "question", place(where));
    if (!text) return tl::unexpected(text.error());
    if (!ids_.insert(*id).second) return place(where).wrong("id", fmt::format("'{}' is used twice", *id));
    if (references.empty()) {
      unanswered_.push_back(std::move(*id));
      return {};
    }
    auto& questions = dataset_.stories.back().questions;
    questions.push_back({static_cast<int>(questions.size() + 1), std::move(*text), std::move(references)});
    return {};
  }

  std::string_view file_;
  QaDataset dataset_;
  std::unordered_set<std::string> ids_;
  std::vector<std::string> unanswered_;  // ids
};

}  // namespace

Result<QaDataset> parse_squad(std::string_view bytes, std::string_view file_name, const std::stop_token& stop) {
  auto root = parse_dataset_json(bytes, file_name, stop);
  if (!root) return tl::unexpected(root.error());
  SquadReader reader(file_name);
  if (auto done = reader.read(*root); !done) return tl::unexpected(done.error());
  auto dataset = reader.take();
  if (dataset) finish_dataset(*dataset, bytes);
  return dataset;
}

Result<QaDataset> read_squad(const std::filesystem::path& path, const std::stop_token& stop) {
  auto bytes = read_dataset_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_squad(*bytes, path.filename().string(), stop);
}

}  // namespace quantscope
