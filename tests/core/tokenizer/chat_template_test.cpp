// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;
using Tokens = std::map<std::string, std::string>;

ordered_json oracle(const char* name) {
  return ordered_json::parse(std::ifstream(testing::source_folder() / "tests/data/chat_templates" / name))
      .at("entries");
}

Result<std::string> render(std::string_view source, const ordered_json& conversation, const Tokens& tokens = {}) {
  const auto parsed = ChatTemplate::parse(source, tokens);
  if (!parsed) return tl::unexpected(parsed.error());
  return parsed->render(conversation, false);
}

/// `expected` is null where jinja2 fails.
void expect_same(const Result<std::string>& text, const ordered_json& expected, std::string_view source) {
  if (expected.is_null()) {
    EXPECT_FALSE(text) << source << " gives " << *text;
  } else {
    ASSERT_TRUE(text) << source << ": " << text.error().message;
    EXPECT_EQ(*text, expected) << source;
  }
}

// Against jinja2 itself (see tests/data/chat_templates/make_chat_templates.py).
TEST(ChatTemplate, RendersEachConstructAsJinja) {
  const ordered_json entries = oracle("constructs.json");
  ASSERT_GE(entries.size(), 90U);
  for (const ordered_json& entry : entries) {
    const std::string source = entry.at("template");
    for (const ordered_json& example : entry.at("cases")) {
      const Tokens tokens = entry.value("tokens", Tokens());
      expect_same(render(source, example.at("variables"), tokens), example.at("text"), source);
    }
  }
}

void expect_published(const ChatTemplate& chat, std::string_view name) {
  for (const ordered_json& entry : oracle("published.json")) {
    if (entry.at("name") != name) continue;
    ASSERT_EQ(entry.at("cases").size(), 28U);
    for (const ordered_json& example : entry.at("cases")) {
      expect_same(chat.render(example.at("variables"), false), example.at("text"), name);
    }
  }
}

TEST(ChatTemplate, RendersPublishedTemplatesAsJinja) {
  QUANTSCOPE_REQUIRE_SHARED();
  for (const char* name : {"llama3_2", "qwen2_5"}) {
    const auto chat = ChatTemplate::from_folder(testing::shared_folder() / "data/tokenizers" / name);
    ASSERT_TRUE(chat) << chat.error().message;
    expect_published(*chat, name);
  }
}

TEST(ChatTemplate, RendersTheDefaultModelsTemplateAsJinja) {
  QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
  const auto checkpoint = Checkpoint::open(testing::default_model_file());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  const auto chat = ChatTemplate::of(**checkpoint);
  ASSERT_TRUE(chat) << chat.error().message;
  expect_published(*chat, "default model");
}

struct Refusal {
  const char* source;
  const char* message;  ///< part of it
};

class RefusedTemplate : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusedTemplate, NamesTheConstructAndItsPlace) {
  const auto text = render(GetParam().source, ordered_json::array());
  ASSERT_FALSE(text) << *text;
  EXPECT_THAT(text.error().message, HasSubstr(GetParam().message));
  EXPECT_TRUE(text.error().message.ends_with('.')) << text.error().message;
}

constexpr Refusal kRefusals[] = {
    {"a\n {% macro f() %}{% endmacro %}", "line 2, column 2 uses what is not supported: the statement \"macro\""},
    {"{% include 'x' %}", "the statement \"include\""},
    {"{{ 1 | pprint }}", "the filter \"pprint\""},
    {"{{ 1 is sameas 1 }}", "the test \"sameas\""},
    {"{{ 'a'.encode() }}", "the method encode() of a str"},
    {"{{ messages.append(1) }}", "the method append() of a list"},
    {"{{ cycler() }}", "the function cycler()"},
    {"{{ strftime_now('%d') }}", "a prompt would change from day to day"},
    {"{{ [1] }}", "printing a list"},
    {"{{ 2 ** 3 }}", "the operator **"},
    {"{% for x in [] recursive %}{% endfor %}", "a recursive loop"},
    {"{{ {1: 2} }}", "a int as a dictionary's key"},
    {"{{ '%d' % 1 }}", "% behind a text"},
    {"{{ 9223372036854775807 + 1 }}", "a number beyond 64 bits"},
    {"\n{{ raise_exception('no system role') }}", "line 2, column 19: \"no system role\""},
    {"{{ missing.field }}", "field of missing, which is undefined"},
    {"{% if 1 %}", "a block without \"endif\""},
    {"{{ 1", "a tag without end"},
    {"{{ ? }}", "the character \"?\""},
    {"{{ '\\ud800' }}", "a malformed escape"},
};
INSTANTIATE_TEST_SUITE_P(Each, RefusedTemplate, ::testing::ValuesIn(kRefusals));

std::string repeated(std::string_view part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

TEST(ChatTemplate, EndsHostileTemplatesWithASentence) {
  const std::string doubled =
      "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
  const std::string lists =
      "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
  const std::string endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  const std::string tree =
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | "
      "tojson }}";
  const std::string compared =
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, "
      "ns.y] %}"
      "{% endfor %}{{ ns.x == ns.y }}";
  const std::string itself = "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns.x }}";
  const std::string copies = "{% set x = 'a' * 3 %}";
  for (const std::string& source :
       {doubled, lists, endless, tree, compared, itself, copies, "{{ " + repeated("(", 100'000) + " }}",
        "{{ " + repeated("-", 100'000) + "1 }}", "{{ 1" + repeated("+1", 100'000) + " }}",
        "{{ x" + repeated("[0]", 100'000) + " }}", repeated("{% if 1 %}", 100'000),
        "{% if 1 %}" + repeated("{% elif 1 %}", 100'000) + "{% endif %}", "{{ " + repeated("not ", 100'000) + "1 }}",
        "{{ " + repeated("[", 100'000) + " }}", "{{ 'a'" + repeated("|trim", 100'000) + " }}"}) {
    const auto text = render(source, ordered_json::array());
    EXPECT_FALSE(text) << source.substr(0, 100);
  }
}

TEST(ChatTemplate, TakesAListOfMessagesOrAnObjectWithThem) {
  const std::string source =
      "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}{{ extra }}{{ tools is none }}";
  const ordered_json messages = ordered_json::parse(R"([{"role": "user", "content": "a"}])");
  EXPECT_EQ(render(source, messages), "user:a;True");
  EXPECT_EQ(render(source, {{"messages", messages}, {"extra", 7}}), "user:a;7True");
  for (const ordered_json& wrong : {ordered_json(5), ordered_json::object(), ordered_json::parse("[5]")}) {
    EXPECT_FALSE(render(source, wrong));
  }
}

TEST(ChatTemplate, AsksForTheBeginningOfAnAnswer) {
  const auto chat = ChatTemplate::parse("{{ add_generation_prompt }}", {});
  EXPECT_EQ(chat->render(ordered_json::array(), true), "True");
  EXPECT_EQ(chat->render(ordered_json::array(), false), "False");
}

class ChatTemplateFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("chat_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, std::string_view text) const { std::ofstream(folder_ / name) << text; }
  Result<std::string> render_nothing() const {
    const auto chat = ChatTemplate::from_folder(folder_);
    if (!chat) return tl::unexpected(chat.error());
    return chat->render(ordered_json::array(), false);
  }

  std::filesystem::path folder_;
};

TEST_F(ChatTemplateFolder, TakesTheFileBeforeTheConfig) {
  EXPECT_EQ(render_nothing().error().code, ErrorCode::not_found);
  write("tokenizer_config.json", R"({"chat_template": "one {{ bos_token }}", "bos_token": {"content": "<s>"}})");
  EXPECT_EQ(render_nothing(), "one <s>");
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "two"}]})");
  EXPECT_EQ(render_nothing(), "two");
  write("chat_template.jinja", "three\n");
  EXPECT_EQ(render_nothing(), "three");
}

TEST(ChatTemplate, TakesTokensOfAGgufVocabularyById) {
  GgufVocabulary vocabulary;
  EXPECT_EQ(ChatTemplate::from_gguf(vocabulary).error().code, ErrorCode::not_found);
  vocabulary.tokens = {"a", "<s>"};
  vocabulary.bos_id = 1;
  vocabulary.eos_id = 2;
  vocabulary.chat_template = "{{ bos_token }}{{ eos_token is defined }}";
  EXPECT_EQ(ChatTemplate::from_gguf(vocabulary)->render(ordered_json::array(), false), "<s>False");
}

}  // namespace
}  // namespace quantscope
