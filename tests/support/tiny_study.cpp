// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/tiny_study.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/loaded_model.h"
#include "tests/support/tiny_model.h"

namespace quantscope::testing {
namespace {
using nlohmann::json;
namespace fs = std::filesystem;

json story(int number) {
  const std::string name = "story" + std::to_string(number);
  json questions = json::array(), answers = json::array();
  for (int turn = 1; turn <= 3; ++turn) {
    questions.push_back({{"input_text", "Who saw cat " + std::to_string(turn) + "?"}, {"turn_id", turn}});
    answers.push_back({{"span_start", 0},
                       {"span_end", 4},
                       {"span_text", "Lily"},
                       {"input_text", turn == 2 ? "Lily and Tom" : "Lily"},
                       {"turn_id", turn}});
  }
  return {{"id", name},
          {"source", number % 2 == 0 ? "mctest" : "cnn"},
          {"story", "Lily saw cat " + std::to_string(number) + " in the park."},
          {"questions", questions},
          {"answers", answers}};
}

}  // namespace

TinyStudy::TinyStudy(fs::path folder, int stories) : folder_(std::move(folder)) {
  fs::remove_all(folder_);
  write_tiny_model(folder_ / "model");
  json data = json::array();
  for (int i = 0; i < stories; ++i) data.push_back(story(i));
  std::ofstream(folder_ / "questions.json") << json{{"version", "1.0"}, {"data", data}}.dump();
  std::ofstream text(folder_ / "text.txt");
  for (int i = 0; i < 6 * 512; ++i) text << static_cast<char>('a' + (i * i + i / 7) % 26);
}

RunRequest TinyStudy::request(const std::string& configuration) const {
  RunRequest request;
  request.model = (folder_ / "model").string();
  request.settings = value_of(parse_configuration(configuration));
  Task questions;
  questions.data = (folder_ / "questions.json").string();
  questions.items = Items::all;
  Task text;
  text.kind = TaskKind::perplexity;
  text.data = (folder_ / "text.txt").string();
  request.tasks = {questions, text};
  return request;
}

RunRequest TinyStudy::kl_request(const std::string& configuration, const std::string& base) const {
  RunRequest kl = request(configuration);
  kl.tasks.erase(kl.tasks.begin());
  kl.tasks.front().kind = TaskKind::kl;
  kl.tasks.front().base = value_of(parse_configuration(base));
  return kl;
}

}  // namespace quantscope::testing
