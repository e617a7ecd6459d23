// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/evaluate/dataset.h"
#include "core/evaluate/qa_prompt.h"
#include "tests/support/reference_data.h"
#include "tests/support/sha256.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json turns(std::initializer_list<const char*> texts) {
  json list = json::array();
  for (const char* text : texts) list.push_back({{"input_text", text}, {"turn_id", list.size() + 1}});
  return list;
}

/// Two stories as in the official file; the second without additional answers.
json valid_file() {
  const json first = {
      {"id", "one"},
      {"source", "mctest"},
      {"filename", "x.txt"},
      {"story", "A cat sat."},
      {"questions", turns({"Who?", "What did it do?"})},
      {"answers", turns({"a cat", "sat"})},
      {"additional_answers", {{"2", turns({"c", "C"})}, {"0", turns({"a", "A"})}, {"1", turns({"b", "B"})}}}};
  const json second = {{"id", "two"},
                       {"source", "cnn"},
                       {"story", "News."},
                       {"questions", turns({"Why?"})},
                       {"answers", turns({"unknown"})}};
  return {{"version", "1.0"}, {"data", {first, second}}};
}

TEST(ParseCoqa, KeepsReferencesInTheAnnotatorsOrder) {
  const auto dataset = parse_coqa(valid_file().dump(), "dev.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 2U);
  const QaStory& story = dataset->stories[0];
  EXPECT_EQ(story.id, "one");
  EXPECT_EQ(story.source, "mctest");
  EXPECT_EQ(story.text, "A cat sat.");
  EXPECT_EQ(story.questions[1].turn, 2);
  EXPECT_EQ(story.questions[1].text, "What did it do?");
  EXPECT_THAT(story.questions[1].references, ElementsAre("sat", "A", "B", "C"));
  EXPECT_THAT(dataset->stories[1].questions[0].references, ElementsAre("unknown"));
  EXPECT_EQ(dataset->name, "dev.json");
  EXPECT_FALSE(dataset->single_reference);
  EXPECT_FALSE(dataset->bundled_sample);
}

/// What EleutherAI/coqa exports for the same two stories: an object of columns for each list.
json columns(std::initializer_list<const char*> texts) {
  json turn_ids = json::array();
  for (std::size_t turn = 1; turn <= texts.size(); ++turn) turn_ids.push_back(turn);
  return {{"input_text", std::vector<std::string>(texts.begin(), texts.end())}, {"turn_id", turn_ids}};
}

void expect_same_stories(const QaDataset& dataset, const QaDataset& official) {
  ASSERT_EQ(dataset.stories.size(), official.stories.size());
  for (std::size_t i = 0; i < dataset.stories.size(); ++i) {
    EXPECT_EQ(dataset.stories[i].text, official.stories[i].text);
    EXPECT_EQ(dataset.stories[i].source, official.stories[i].source);
    ASSERT_EQ(dataset.stories[i].questions.size(), official.stories[i].questions.size());
    for (std::size_t q = 0; q < official.stories[i].questions.size(); ++q)
      EXPECT_EQ(qa_prompt(dataset, {i, q}), qa_prompt(official, {i, q}));
  }
}

TEST(ParseCoqa, ReadsRowsOfColumnsAsAListAndAsLines) {
  const json first = {
      {"id", "one"},
      {"source", "mctest"},
      {"story", "A cat sat."},
      {"questions", columns({"Who?", "What did it do?"})},
      {"answers", columns({"a cat", "sat"})},
      {"additional_answers", {{"0", columns({"a", "A"})}, {"1", columns({"b", "B"})}, {"2", columns({"c", "C"})}}}};
  const json second = {{"id", "two"},
                       {"source", "cnn"},
                       {"story", "News."},
                       {"questions", columns({"Why?"})},
                       {"answers", columns({"unknown"})}};
  const auto official = parse_coqa(valid_file().dump(), "dev.json");
  for (const std::string& bytes : {json::array({first, second}).dump(), first.dump() + "\n\n" + second.dump() + "\n"}) {
    const auto dataset = parse_coqa(bytes, "rows");
    ASSERT_TRUE(dataset) << dataset.error().message;
    expect_same_stories(*dataset, *official);
    EXPECT_EQ(dataset->stories[0].id, "one");
    EXPECT_THAT(dataset->stories[0].questions[1].references, ElementsAre("sat", "A", "B", "C"));
    EXPECT_FALSE(dataset->single_reference);
  }
}

TEST(ParseCoqa, ReadsRowsOfPlainQuestionsAndSaysThatTheyHaveOneReference) {
  const json first = {
      {"source", "mctest"},
      {"story", "A cat sat."},
      {"questions", {"Who?", "What did it do?"}},
      {"answers", {{"input_text", {"a cat", "sat"}}, {"answer_start", {0, 2}}, {"answer_end", {5, 9}}}}};
  const auto dataset = parse_coqa(first.dump() + "\n" + first.dump(), "train.jsonl");
  ASSERT_TRUE(dataset) << dataset.error().message;
  ASSERT_EQ(dataset->stories.size(), 2U);
  EXPECT_EQ(dataset->stories[1].id, "row 2");
  EXPECT_THAT(dataset->stories[0].questions[1].references, ElementsAre("sat"));
  EXPECT_EQ(qa_prompt(*dataset, {0, 1}), "A cat sat.\n\nQ: Who?\n\nA: a cat\n\nQ: What did it do?\n\nA:");
  EXPECT_TRUE(dataset->single_reference);
  EXPECT_THAT(dataset->notes().front(), HasSubstr("Single-reference"));
}

TEST(ParseCoqa, NamesTheLineThatIsNoJson) {
  const auto dataset = parse_coqa("{\"story\": \"x\"}\n{\"story\": \n", "rows.jsonl");
  ASSERT_FALSE(dataset);
  EXPECT_THAT(dataset.error().message, HasSubstr("'rows.jsonl', line 2 is not JSON"));
}

TEST(ParseCoqa, LeavesBlankTurnsOutAndCountsThem) {
  json file = valid_file();
  json& story = file["data"][0];
  story["questions"] = turns({"Who?", "Where?", "What did it do?", "  ", "When?"});
  story["answers"] = turns({"a cat", " \t", "sat", "yes", ""});
  story["additional_answers"] = {{"0", turns({"a", "b", "", "d", "e"})}};
  const auto dataset = parse_coqa(file.dump(), "x.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  EXPECT_THAT(
      dataset->notes(),
      ElementsAre("3 questions were left out, with their turn of the dialogue, as the question or its own answer "
                  "is blank: one turn 2, one turn 4, one turn 5.",
                  "Blank additional answers, which count as references all the same, have 1 question: one turn "
                  "3."));
  const auto all = choose_items(*dataset, Items::all, {}), last = choose_items(*dataset, Items::last, {});
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[1].question, 2U) << "turns keep their numbers";
  ASSERT_EQ(last->size(), 2U);
  EXPECT_EQ((*last)[0].question, 2U) << "the last question that can be asked";
  EXPECT_EQ(qa_prompt(*dataset, (*last)[0]), "A cat sat.\n\nQ: Who?\n\nA: a cat\n\nQ: What did it do?\n\nA:");
}

TEST(ParseCoqa, RefusesAFileOfBlankAnswers) {
  json file = valid_file();
  file["data"].erase(0);
  file["data"][0]["answers"] = turns({""});
  const auto dataset = parse_coqa(file.dump(), "x.json");
  ASSERT_FALSE(dataset);
  EXPECT_THAT(dataset.error().message, HasSubstr("the file has no question with an answer"));
}

TEST(ParseCoqa, ReadsLinesBehindAByteOrderMarkAndBlankLines) {
  const std::string line = R"({"story": "A cat sat.", "questions": ["Who?"], "answers": {"input_text": ["a cat"]}})";
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string& before : {mark, std::string("\n"), std::string(" \r\n\n"), mark + "\r\n\n"}) {
    const auto dataset = parse_coqa(before + line + "\n" + line + "\n", "rows.jsonl");
    ASSERT_TRUE(dataset) << dataset.error().message;
    EXPECT_EQ(dataset->stories.size(), 2U);
  }
}

TEST(ParseCoqa, NamesTheFirstLineWhereThatIsBroken) {
  const std::string line = R"({"story": "x"})";
  for (const auto& [bytes, place] :
       {std::pair("{\"story\": \n" + line, "line 1"), std::pair("\n\n{\"story\"}\n" + line + "\n", "line 3"),
        std::pair("\xEF\xBB\xBFstory\n" + line, "line 1")}) {
    const auto dataset = parse_coqa(bytes, "rows.jsonl");
    ASSERT_FALSE(dataset);
    EXPECT_THAT(dataset.error().message, HasSubstr("'rows.jsonl', " + std::string(place) + " is not JSON")) << bytes;
  }
}

TEST(ParseCoqa, RefusesMoreValuesThanAnyDatasetHolds) {
  std::string bytes = "[";
  for (int i = 0; i < 8'000'000; ++i) bytes += "0,";
  const auto dataset = parse_coqa(bytes + "0]", "x.json");
  ASSERT_FALSE(dataset);
  EXPECT_THAT(dataset.error().message, HasSubstr("'x.json' holds more than 8000000 values"));
}

TEST(CoqaDomain, HasTheNamesOfTheOfficialScript) {
  EXPECT_EQ(coqa_domain("mctest"), "children_stories");
  EXPECT_EQ(coqa_domain("race"), "mid-high_school");
  EXPECT_EQ(coqa_domain("wikipedia"), "wikipedia");
}

TEST(ParseCoqa, DetectsSingleReferenceFilesAndTheBundledSample) {
  json file = valid_file();
  file["data"][0].erase("additional_answers");
  file["name"] = "My questions";
  file["quantscope_sample"] = true;
  const auto dataset = parse_coqa(file.dump(), "x.json");
  ASSERT_TRUE(dataset);
  EXPECT_TRUE(dataset->single_reference);
  EXPECT_TRUE(dataset->bundled_sample);
  EXPECT_EQ(dataset->name, "My questions");
}

TEST(ParseCoqa, HashIsXxh128OfTheBytes) {
  const std::string bytes = valid_file().dump();
  const auto dataset = parse_coqa(bytes, "x.json"), again = parse_coqa(bytes, "y.json"),
             other = parse_coqa(bytes + "\n", "x.json");
  EXPECT_EQ(dataset->hash.size(), 32U);
  EXPECT_EQ(dataset->hash, again->hash);
  EXPECT_NE(dataset->hash, other->hash);
}

struct Damage {
  const char* name;
  std::function<void(json&)> apply;
  const char* message;  ///< what the message must hold
};
std::ostream& operator<<(std::ostream& stream, const Damage& damage) { return stream << damage.name; }

class DamagedCoqa : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedCoqa, FailsNamingStoryAndField) {
  json file = valid_file();
  GetParam().apply(file);
  const auto dataset = parse_coqa(file.dump(), "dev.json");
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().code, ErrorCode::corrupt_file);
  EXPECT_THAT(dataset.error().message, HasSubstr("'dev.json' does not follow the layout of CoQA"));
  EXPECT_THAT(dataset.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    EachField, DamagedCoqa,
    ::testing::Values(
        Damage{"RootIsANumber", [](json& f) { f = 1; }, "the outermost value must be an object or a list"},
        Damage{"RootIsAListOfNumbers", [](json& f) { f = json::array({1}); }, "row 1, the story must be an object"},
        Damage{"RootIsEmpty", [](json& f) { f = json::array(); }, "data has no stories"},
        Damage{"ColumnIsText",
               [](json& f) {
                 f["data"][0]["questions"] = {{"input_text", "Who?"}};
               },
               "questions.input_text must be a list and is text"},
        Damage{"ColumnIsMissing", [](json& f) { f["data"][0]["questions"] = json::object(); },
               "questions.input_text is missing"},
        Damage{"TurnColumnIsWrong",
               [](json& f) {
                 f["data"][0]["questions"] = {{"input_text", {"a", "b"}}, {"turn_id", {1, 3}}};
               },
               "questions.turn_id[1] must be 2 and is 3"},
        Damage{"NoData", [](json& f) { f.erase("data"); }, "data is missing"},
        Damage{"DataIsAnObject", [](json& f) { f["data"] = json::object(); }, "data must be a list and is an object"},
        Damage{"DataIsEmpty", [](json& f) { f["data"] = json::array(); }, "data has no stories"},
        Damage{"NameIsANumber", [](json& f) { f["name"] = 5; }, "name must be text"},
        Damage{"StoryIsText", [](json& f) { f["data"][1] = "x"; }, "data[1], the story must be an object"},
        Damage{"Squad",
               [](json& f) {
                 f["data"][0] = {{"paragraphs", json::array()}};
               },
               "SQuAD"},
        Damage{"NoId", [](json& f) { f["data"][1].erase("id"); }, "data[1], id is missing"},
        Damage{"IdIsEmpty", [](json& f) { f["data"][1]["id"] = ""; }, "data[1], id is empty"},
        Damage{"IdTwice", [](json& f) { f["data"][1]["id"] = "one"; }, "id 'one' is used by stories 1 and 2"},
        Damage{"SourceIsAList", [](json& f) { f["data"][0]["source"] = json::array(); }, "source must be text"},
        Damage{"NoStoryText", [](json& f) { f["data"][1].erase("story"); }, "story 2 (id 'two'), story is missing"},
        Damage{"StoryTextIsBlank", [](json& f) { f["data"][0]["story"] = " \n"; }, "story is empty"},
        Damage{"StoryTextIsEmpty", [](json& f) { f["data"][0]["story"] = ""; }, "story is empty"},
        Damage{"NoQuestions", [](json& f) { f["data"][0].erase("questions"); }, "questions is missing"},
        Damage{"QuestionsIsEmpty", [](json& f) { f["data"][0]["questions"] = json::array(); }, "questions is empty"},
        Damage{"QuestionsIsText", [](json& f) { f["data"][0]["questions"] = "x"; }, "questions must be a list"},
        Damage{"QuestionIsText", [](json& f) { f["data"][0]["questions"][1] = "x"; },
               "story 1 (id 'one'), questions[1] must be an object"},
        Damage{"NoQuestionText", [](json& f) { f["data"][0]["questions"][1].erase("input_text"); },
               "questions[1].input_text is missing"},
        Damage{"NoTurn", [](json& f) { f["data"][0]["questions"][1].erase("turn_id"); },
               "questions[1].turn_id is missing"},
        Damage{"TurnIsText", [](json& f) { f["data"][0]["answers"][0]["turn_id"] = "1"; },
               "answers[0].turn_id must be a whole number"},
        Damage{"TurnIsAFraction", [](json& f) { f["data"][0]["answers"][0]["turn_id"] = 1.5; },
               "answers[0].turn_id must be a whole number"},
        Damage{"TurnIsWrong", [](json& f) { f["data"][0]["questions"][1]["turn_id"] = 3; },
               "questions[1].turn_id must be 2 and is 3"},
        Damage{"TurnIsNegative", [](json& f) { f["data"][0]["questions"][1]["turn_id"] = -2; },
               "questions[1].turn_id must be 2 and is -2"},
        Damage{"NoAnswers", [](json& f) { f["data"][0].erase("answers"); }, "answers is missing"},
        Damage{"TooFewAnswers", [](json& f) { f["data"][0]["answers"].erase(1); },
               "answers has 1 answers for 2 questions"},
        Damage{"AnswerIsNull", [](json& f) { f["data"][0]["answers"][1]["input_text"] = nullptr; },
               "answers[1].input_text must be text and is null"},
        Damage{"AdditionalIsAList", [](json& f) { f["data"][0]["additional_answers"] = json::array(); },
               "additional_answers must be an object"},
        Damage{"AnnotatorIsMissing", [](json& f) { f["data"][0]["additional_answers"].erase("1"); },
               "additional_answers[\"1\"] is missing"},
        Damage{"TooManyAdditional", [](json& f) { f["data"][0]["additional_answers"]["2"] = turns({"a", "b", "c"}); },
               "additional_answers[\"2\"] has 3 answers for 2 questions"}),
    [](const auto& damage) { return damage.param.name; });

TEST(ParseCoqa, SaysWhereAFileIsNoJson) {
  const auto empty = parse_coqa("", "x.json");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message, "'x.json' is empty.");
  const auto html = parse_coqa("<html>moved</html>", "x.json");
  ASSERT_FALSE(html);
  EXPECT_THAT(html.error().message, HasSubstr("'x.json' is not JSON: it cannot be read past byte 1."));
  const std::string bytes = valid_file().dump();
  const auto cut = parse_coqa(std::string_view(bytes).substr(0, bytes.size() / 2), "x.json");
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("is not JSON"));
  EXPECT_EQ(cut.error().code, ErrorCode::corrupt_file);
}

TEST(ParseCoqa, SaysWhichByteIsNotUtf8) {
  std::string bytes = valid_file().dump();
  const std::size_t at = bytes.find("A cat");
  bytes[at] = '\xE9';  // e acute of Latin-1
  const auto dataset = parse_coqa(bytes, "x.json");
  ASSERT_FALSE(dataset);
  EXPECT_THAT(dataset.error().message, HasSubstr("'x.json' is not UTF-8 text: byte " + std::to_string(at)));
}

TEST(ParseCoqa, SurvivesHostileJson) {
  for (const std::string& bytes :
       {std::string(2'000'000, '['), R"({"data":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}",
        std::string(R"({"data": [1e999]})"), std::string(R"({"data": ["\ud800"]})"), std::string("null"),
        std::string("\0", 1), std::string(R"({"data":[{"id":"\u0000"}]})")}) {
    EXPECT_FALSE(parse_coqa(bytes, "x.json"));
  }
}

TEST(ParseCoqa, FailsOnEveryTruncationWithoutCrashing) {
  const std::string bytes = valid_file().dump();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(parse_coqa(std::string_view(bytes).substr(0, length), "x.json")) << length;
  }
}

TEST(ReadCoqa, SaysWhatIsWrongWithThePath) {
  const auto missing = read_coqa("/nonexistent/dev.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("'/nonexistent/dev.json' does not exist"));
  const auto folder = read_coqa(std::filesystem::temp_directory_path());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::invalid_argument);
}

TEST(ReadCoqa, RefusesFilesAboveTheCapWithoutReadingThem) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "quantscope_large_dataset.json";
  std::ofstream(path).put('{');
  std::filesystem::resize_file(path, std::uintmax_t{1} << 34U);  // sparse
  const auto dataset = read_coqa(path);
  std::filesystem::remove(path);
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().code, ErrorCode::unsupported);
  EXPECT_THAT(dataset.error().message, HasSubstr("17179869184 bytes"));
}

TEST(ReadCoqa, ReadsTheBundledSample) {
  const auto dataset = read_coqa(testing::source_folder() / "resources" / "sample_coqa.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  EXPECT_TRUE(dataset->bundled_sample);
}

TEST(ReadCoqa, ReadsTheOfficialLayout) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto dataset = read_coqa(testing::shared_folder() / "data/coqa/coqa-dev-subset20.json");
  ASSERT_TRUE(dataset) << dataset.error().message;
  EXPECT_EQ(dataset->stories.size(), 20U);
  EXPECT_EQ(choose_items(*dataset, Items::last, {})->size(), 20U);
  EXPECT_EQ(choose_items(*dataset, Items::all, {})->size(), 297U);
  EXPECT_EQ(choose_items(*dataset, Items::all, {}, 0, 14)->size(), 190U);
  EXPECT_TRUE(dataset->single_reference);
  EXPECT_EQ(dataset->name, "coqa-dev-subset20.json");
}

TEST(CoqaPrompt, EqualsTheReferencePromptsToTheByte) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto dataset = read_coqa(testing::shared_folder() / "data/coqa/coqa-dev-subset20.json");
  ASSERT_TRUE(dataset);
  std::ifstream file(testing::shared_folder() / "reference/smollm2/smollm2_coqa.json");
  const json reference = json::parse(file);
  for (const char* part : {"a_last_turn_20_stories", "b_all_turns_stories_0_to_13"}) {
    for (const json& item : reference.at(part).at("fp32").at("items")) {
      const std::size_t story_index = item.at("story");
      const QaStory& story = dataset->stories.at(story_index);
      EXPECT_EQ(story.id, item.at("id"));
      const std::size_t question = item.at("turn_id").get<std::size_t>() - 1;
      EXPECT_EQ(testing::sha256(qa_prompt(*dataset, {story_index, question})), item.at("prompt_sha256"))
          << story.id << question;
      EXPECT_EQ(story.questions.at(question).references.front(), item.at("reference"));
    }
  }
}

TEST(ReadCoqa, CharactersMayLieAcrossThePiecesThatAreCheckedAtOnce) {
  const std::size_t piece = std::size_t{4} << 20U;
  for (std::size_t ahead = 1; ahead <= 4; ++ahead) {
    std::string text = R"({"data": [], "pad": ")";
    text += std::string(piece - ahead - text.size(), 'x') + "\xF0\x9F\x90\x88";  // U+1F408
    EXPECT_THAT(parse_coqa(text + "\"}", "dev.json").error().message, HasSubstr("no stories")) << ahead;
    const std::string broken = text.substr(0, text.size() - 1) + "\"}";
    EXPECT_THAT(parse_coqa(broken, "dev.json").error().message,
                HasSubstr("byte " + std::to_string(piece - ahead) + " does not"))
        << ahead;
  }
}

TEST(ReadCoqa, AStopEndsParsing) {
  std::stop_source stop;
  stop.request_stop();
  const auto dataset = parse_coqa(R"({"version": "1.0", "data": []})", "dev.json", stop.get_token());
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace quantscope
