// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/shell.h"
#include "tests/support/reference_data.h"
#include "tests/support/sanitizers.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;
using testing::Outcome;
using testing::run_shell;

/// Each test has a folder with a tiny model and a question file.
class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "cli" / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    testing::write_tiny_model(model());
    std::ofstream(folder_ / "questions.json") << R"({"version": "1.0", "data": [{"id": "one", "source": "test",
      "story": "Lily saw a cat.", "questions": [{"input_text": "Who saw it?", "turn_id": 1},
      {"input_text": "What?", "turn_id": 2}], "answers": [
      {"span_start": 0, "span_end": 4, "span_text": "Lily", "input_text": "Lily", "turn_id": 1},
      {"span_start": 9, "span_end": 14, "span_text": "a cat", "input_text": "a cat", "turn_id": 2}]}]})";
  }

  std::string model() const { return (folder_ / "model").string(); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  static Outcome cli(const std::string& arguments) {
    return run_shell(fmt::format("{} {} 2>/dev/null", QUANTSCOPE_CLI, arguments));
  }
  static Outcome errors(const std::string& arguments) {
    return run_shell(fmt::format("{} {} 2>&1 >/dev/null", QUANTSCOPE_CLI, arguments));
  }
  static json cli_json(const std::string& arguments) {
    const Outcome outcome = cli(arguments + " --json");
    EXPECT_EQ(outcome.exit_code, 0) << arguments;
    const json document = json::parse(outcome.output, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << outcome.output;
    return document;
  }

  fs::path folder_;
};

/// A command that may use 4 GB of address space. A sanitizer's shadow of all memory would not fit.
Outcome limited_errors(const std::string& arguments) {
  const char* const limit = testing::sanitized ? "" : "ulimit -v 4000000; ";
  return run_shell(fmt::format("{}{} {} 2>&1 >/dev/null", limit, QUANTSCOPE_CLI, arguments));
}

TEST_F(CommandLine, ImportRefusesAFileByItsSizeAndByItsDepth) {
  const std::string import =
      fmt::format("import {} {} --data {}", file("w.quantscope"), file("answers.json"), file("questions.json"));
  std::ofstream(file("answers.json")) << std::string(200'000'000, '[');
  for (const char* format : {" --format coqa", " --format lm-eval"}) {
    const Outcome deep = limited_errors(import + format);
    EXPECT_EQ(deep.exit_code, 1);
    EXPECT_THAT(deep.output, HasSubstr("has lists or objects more than 64 levels deep (byte 64)"));
  }
  fs::resize_file(file("answers.json"), 500'000'000);  // sparse
  const Outcome large = limited_errors(import);
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_THAT(large.output, HasSubstr("has 500000000 bytes and a file for this command may have at most 268435456"));
}

TEST_F(CommandLine, TextsThatAreNoUtf8OrTooLargeAreRefused) {
  std::string text = "A cat sat.";
  for (int i = 0; i < 100; ++i) text += " Lily saw it, and it purred.";
  std::ofstream(file("text.txt"), std::ios::binary) << text << "\xFF\xFE" << text;
  const std::string place = fmt::format("(2 bytes, the first at byte {})", text.size());
  for (const std::string& arguments : {std::string("evaluate {0} fp32 --task perplexity --data {1}"),
                                       std::string("evaluate {0} nf4 --task kl --base fp32 --data {1}"),
                                       std::string("sensitivity {0} nf4 --measure kl --data {1}")}) {
    const Outcome refused = limited_errors(fmt::format(fmt::runtime(arguments), model(), file("text.txt")));
    EXPECT_EQ(refused.exit_code, 1) << arguments;
    EXPECT_THAT(refused.output, HasSubstr("is not UTF-8 text")) << arguments;
    EXPECT_THAT(refused.output, HasSubstr(place)) << arguments;
  }
  fs::resize_file(file("text.txt"), 1'000'000'000);  // sparse
  const Outcome large = limited_errors(
      fmt::format("evaluate {} fp32 --task perplexity --chunks 0:1 --data {}", model(), file("text.txt")));
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_THAT(large.output, HasSubstr("has 1000000000 bytes"));
}

TEST_F(CommandLine, HelpShowsEverySubCommandWithAJsonExample) {
  const Outcome help = cli("--help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"inspect", "forecast", "tokenize", "generate", "logits", "tensor", "quantize", "verify",
                              "evaluate", "compare", "run", "resume", "report", "import", "export", "devices"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    const Outcome own = cli(std::string(command) + " --help");
    EXPECT_EQ(own.exit_code, 0) << command;
    EXPECT_THAT(own.output, HasSubstr("JSON")) << command;
  }
  EXPECT_EQ(cli("--version").exit_code, 0);
}

TEST_F(CommandLine, QuantizeWritesAFolderThatVerifyAndInspectUnderstand) {
  const std::string out = file("nf4");
  const json written = cli_json("quantize " + model() + " nf4-dq --format bitsandbytes --out " + out);
  EXPECT_GT(written.at("bytes"), 100'000);
  const json verified = cli_json("verify " + out + " " + model());
  EXPECT_EQ(verified.at("holds"), true);
  EXPECT_EQ(verified.at("tensors").size(), 20U);
  const json quantization = cli_json("inspect " + out).at("quantization");
  ASSERT_EQ(quantization.size(), 1U);
  EXPECT_EQ(quantization.at(0).at("form"), "bitsandbytes NF4 block 64, double quantization");
  EXPECT_EQ(quantization.at(0).at("tensors"), 14);
  EXPECT_EQ(cli("verify " + out + " " + model() + " --max-relative-error 0.01").exit_code, 3);
  const Outcome again = errors("quantize " + model() + " nf4 --format bitsandbytes --out " + out);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.output, HasSubstr("exists already"));
  EXPECT_NE(errors("quantize " + model() + " nf4 --format parquet --out " + file("x")).exit_code, 0);
}

TEST_F(CommandLine, WrongUsageExitsWithTwo) {
  for (const std::string& arguments :
       {std::string(), std::string("nonsense"), std::string("inspect"), "generate " + model() + " nf5 --prompt x",
        "generate " + model() + " nf4 --block 100 --prompt x", "evaluate " + model() + " nf4 --scorer best",
        "evaluate " + model() + " nf4 --stories 5", "forecast " + model() + " --gpu TI-83",
        "generate " + model() + " nf4 --simd sse1 --prompt x"}) {
    const Outcome outcome = errors(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_FALSE(outcome.output.empty()) << arguments;
  }
}

TEST_F(CommandLine, FailuresExitWithOneAndNameTheFile) {
  std::ofstream(file("cut.gguf")) << "GGUF";
  std::ofstream(file("empty.json"));
  std::ofstream(file("hostile.safetensors"), std::ios::binary) << std::string("\0\0\0\0\0\0\0\x10", 8) << "{}";
  for (const auto& [arguments, name] :
       {std::pair{"inspect " + file("nothing.gguf"), "nothing.gguf"},
        std::pair{"inspect " + file("cut.gguf"), "cut.gguf"},
        std::pair{"inspect " + file("hostile.safetensors"), "hostile.safetensors"},
        std::pair{"evaluate " + model() + " fp32 --data " + file("empty.json"), "empty.json"},
        std::pair{"evaluate " + model() + " fp32 --data " + file("absent.json"), "absent.json"}}) {
    const Outcome outcome = errors(arguments);
    EXPECT_EQ(outcome.exit_code, 1) << arguments;
    EXPECT_THAT(outcome.output, HasSubstr(name));
  }
}

TEST_F(CommandLine, InspectListsTensorsAndTheirStatistics) {
  const json model_json = cli_json("inspect " + model());
  EXPECT_EQ(model_json.at("architecture"), "llama");
  EXPECT_EQ(model_json.at("layers"), 2);
  EXPECT_EQ(model_json.at("tensors").size(), 20U);
  const json tensor = cli_json("inspect " + model() + " --tensor model.norm.weight --histogram");
  EXPECT_EQ(tensor.at("statistics").at("mean"), 1.0);
  EXPECT_EQ(tensor.at("statistics").at("histogram").at("pattern_and_count").size(), 1U);
}

TEST_F(CommandLine, ForecastWorksOnAConfigAlone) {
  const json document = cli_json("forecast " + file("model/config.json") + " fp32 nf4 --gpu A10G");
  const json& nf4 = document.at("forecasts").at(1);
  for (const char* row : {"codes", "scales", "embedding", "head", "norms", "unquantized", "padding", "kv_cache",
                          "workspace", "weights", "total", "as_commonly_reported"})
    EXPECT_TRUE(nf4.at(row).is_number_integer()) << row;
  EXPECT_EQ(nf4.at("fits"), true);
  const json longer = cli_json("forecast " + file("model/config.json") + " nf4 --context 4096 --batch 2");
  EXPECT_EQ(longer.at("forecasts").at(0).at("kv_cache"), 4 * nf4.at("kv_cache").get<std::int64_t>());
  EXPECT_GT(document.at("forecasts").at(0).at("codes"), nf4.at("codes"));
}

TEST_F(CommandLine, TokenizeGoesThereAndBack) {
  const json there = cli_json("tokenize " + model() + " --text 'a cat'");
  EXPECT_EQ(there.at("ids").size(), 5U);
  EXPECT_EQ(there.at("pieces").at(1), " ");
  std::string ids;
  for (const auto& id : there.at("ids")) ids += " " + id.dump();
  EXPECT_EQ(cli_json("tokenize " + model() + " --decode" + ids).at("text"), "a cat");
  std::ofstream(file("text.txt")) << "a cat";
  EXPECT_EQ(cli_json("tokenize " + model() + " --text @" + file("text.txt")), there);
}

TEST_F(CommandLine, TokenizeWritesConversationsByTheModelsTemplate) {
  std::ofstream(file("chat.json")) << R"([{"role": "user", "content": "a cat"}])";
  EXPECT_EQ(cli("tokenize " + model() + " --chat " + file("chat.json")).exit_code, 1);
  std::ofstream(file("model/chat_template.jinja"))
      << "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %} x{% endif %}";
  const json plain = cli_json("tokenize " + model() + " --chat " + file("chat.json"));
  EXPECT_EQ(plain.at("text"), "a cat");
  EXPECT_EQ(plain.at("ids").size(), 5U);
  const json asking = cli_json("tokenize " + model() + " --add-generation-prompt --chat " + file("chat.json"));
  EXPECT_EQ(asking.at("text"), "a cat x");
  std::ofstream(file("chat.json")) << "[5]";
  EXPECT_THAT(errors("tokenize " + model() + " --chat " + file("chat.json")).output, HasSubstr("list of messages"));
}

TEST_F(CommandLine, LogitsAndGenerateAgree) {
  std::ofstream(file("ids.json")) << "[[97, 32, 99], [97]]";
  const json shapes =
      cli_json("logits " + model() + " fp32 --ids " + file("ids.json") + " --out " + file("l.safetensors"))
          .at("shapes");
  EXPECT_EQ(shapes.at("logits.0"), json({3, 256}));
  const auto logits = testing::read_oracle(file("l.safetensors")).at("logits.0").as<float>();
  const auto last = logits.end() - 256;
  const auto best = std::max_element(last, logits.end()) - last;
  const json text = cli_json("generate " + model() + " fp32 --prompt 'a c' --max-tokens 1");
  if (best != 0) {  // id 0 ends the generation
    EXPECT_EQ(text.at("ids").at(0).get<std::int64_t>(), best);
  }
}

TEST_F(CommandLine, TensorWritesCodesScalesAndDecodedValues) {
  const std::string name = "model.layers.0.mlp.down_proj.weight";
  const json figures = cli_json("tensor " + model() + " nf4-dq " + name + " --out " + file("t.safetensors"));
  EXPECT_GT(figures.at("relative_error"), 0.01);
  const auto tensors = testing::read_oracle(file("t.safetensors"));
  EXPECT_EQ(tensors.at("codes").bytes.size(), 64U * 96U / 2);
  EXPECT_EQ(tensors.at("absmax").dtype, "U8");
  EXPECT_EQ(tensors.at("nested_offset").bytes.size(), 4U);
  EXPECT_EQ(tensors.at("decoded").as<float>().size(), 64U * 96U);
}

TEST_F(CommandLine, EvaluateHasTheFieldsThatScriptsRelyOn) {
  const json qa = cli_json("evaluate " + model() + " nf4 --items all --data " + file("questions.json"));
  for (const char* field : {"f1", "f1_error", "em", "em_error", "n", "scorer", "protocol", "items"})
    EXPECT_TRUE(qa.contains(field)) << field;
  EXPECT_EQ(qa.at("n"), 2);
  for (const char* field : {"story", "turn", "prediction", "references", "f1", "em"})
    EXPECT_TRUE(qa.at("items").at(0).contains(field)) << field;
  std::ofstream(file("text.txt")) << std::string(2000, 'x');
  const json perplexity = cli_json("evaluate " + model() + " nf4 --task perplexity --data " + file("text.txt"));
  for (const char* field : {"perplexity", "perplexity_error", "mean_nll"})
    EXPECT_TRUE(perplexity.contains(field)) << field;
  const json kl = cli_json("evaluate " + model() + " nf4 --task kl --base fp32 --data " + file("text.txt"));
  for (const char* field :
       {"kl_mean", "kl_error", "kl_median", "kl_p99", "kl_max", "same_top", "rms_delta_p", "ln_perplexity_ratio"})
    EXPECT_TRUE(kl.contains(field)) << field;
  EXPECT_EQ(kl.at("scored"), 3 * 255);
  const json speed = cli_json("evaluate " + model() + " nf4 --task speed --prompt-tokens 8 --generated-tokens 4");
  for (const char* field : {"prompt_tokens_per_second", "generation_tokens_per_second_min", "time_to_first_token_max",
                            "load_seconds", "quantize_seconds", "memory_bandwidth", "bandwidth_share_min"})
    EXPECT_TRUE(speed.contains(field)) << field;
}

TEST_F(CommandLine, ATextThatIsTooShortIsRefusedBeforeTheModelIsLoaded) {
  std::ofstream(file("short.txt")) << "too short";
  for (const char* command : {"evaluate", "compare"}) {
    const std::string arguments =
        std::string(command) + " " + model() + " nf4 --task perplexity --data " + file("short.txt");
    EXPECT_EQ(cli(arguments).output, "") << "no table of dashes";
    EXPECT_THAT(errors(arguments).output, AllOf(HasSubstr("needs at least 512"), Not(HasSubstr("Quantizing"))));
  }
}

TEST_F(CommandLine, SensitivityRanksTensorsAndLayers) {
  const Outcome range = errors("sensitivity " + model() + " nf4 --chunks 9:2");
  EXPECT_EQ(range.exit_code, 2) << "even where no window is read";
  EXPECT_THAT(range.output, HasSubstr("--chunks 9:2 is not a range"));
  const json errors = cli_json("sensitivity " + model() + " nf4");
  EXPECT_EQ(errors.at("rows").size(), 14U);
  EXPECT_TRUE(errors.at("rows").at(0).contains("sqnr_db"));
  EXPECT_FALSE(errors.at("rows").at(0).contains("kl_mean"));
  std::ofstream(file("text.txt")) << std::string(1100, 'x');
  const std::string measured = "sensitivity " + model() + " nf4 --measure kl --unit layer --data " + file("text.txt") +
                               " --rows " + file("rows.jsonl") + " --csv " + file("layers.csv");
  const json layers = cli_json(measured);
  ASSERT_EQ(layers.at("rows").size(), 2U);
  EXPECT_GE(layers.at("rows").at(0).at("kl_mean"), layers.at("rows").at(1).at("kl_mean"));
  EXPECT_TRUE(std::filesystem::exists(file("layers.csv")));
  EXPECT_EQ(cli_json(measured), layers);  // from the rows file, times included
}

TEST_F(CommandLine, EvaluateAsksSquadAndRecords) {
  std::ofstream(folder_ / "squad.json") << R"({"version": "v2.0", "data": [{"title": "Cats", "paragraphs": [{"context":
      "Cats purr.", "qas": [{"id": "a", "question": "Who?", "answers": [{"text": "Cats", "answer_start": 0}]},
      {"id": "b", "question": "Where?", "answers": [], "is_impossible": true}, {"id": "c", "question": "When?"}]}]}]})";
  const json squad = cli_json("evaluate " + model() + " fp32 --task squad --data " + file("squad.json"));
  EXPECT_EQ(squad.at("n"), 2);
  EXPECT_EQ(squad.at("protocol"), "squad-lm-eval-3");
  EXPECT_EQ(squad.at("scorer"), "max");
  EXPECT_THAT(squad.at("notes").dump(), HasSubstr("1 question was left out"));
  EXPECT_LT(squad.at("computed_prompt_tokens"), squad.at("prompt_tokens"));
  std::ofstream(folder_ / "mine.jsonl") << R"({"context": "Cats purr.", "question": "Who?", "answers": ["cats"]})"
                                        << "\n"
                                        << R"({"context": "Cats purr.", "question": "What?", "answers": ["purr"]})"
                                        << "\n"
                                        << R"({"context": "Dogs bark.", "question": "Who?", "answer": "dogs"})"
                                        << "\n";
  const json records = cli_json("evaluate " + model() + " fp32 --task jsonl --data " + file("mine.jsonl"));
  EXPECT_EQ(records.at("n"), 3);
  EXPECT_EQ(cli_json("evaluate " + model() + " fp32 --task jsonl --items last --data " + file("mine.jsonl")).at("n"),
            2);
  EXPECT_EQ(records.at("protocol"), "question-1");
  EXPECT_EQ(records.at("domains").size(), 1U);
  EXPECT_THAT(errors("evaluate " + model() + " fp32 --data " + file("squad.json")).output,
              HasSubstr("choose the task squad"));
  EXPECT_THAT(errors("evaluate " + model() + " fp32 --task squad").output, HasSubstr("give a data file"));
}

TEST_F(CommandLine, CompareLeavesAReportThatRunRepeats) {
  const json first = cli_json("compare " + model() + " fp32 nf4 int8 --items all --data " + file("questions.json") +
                              " --report " + file("report"));
  EXPECT_EQ(first.at("runs").size(), 3U);
  EXPECT_EQ(first.at("pairs").size(), 2U);
  for (const char* name :
       {"runs.csv", "questions.csv", "memory.csv", "tensors.csv", "pairs.csv", "run.json", "items.jsonl"})
    EXPECT_TRUE(fs::exists(folder_ / "report" / name)) << name;
  const json again = cli_json("run " + file("report/run.json"));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(again.at("runs").at(i).at("coqa").at("items"), first.at("runs").at(i).at("coqa").at("items"));
}

TEST_F(CommandLine, InterruptKeepsWhatWasFinishedAndExitsWith130) {
  const std::string command = fmt::format(
      "{} compare {} fp32 nf4 --items all --task speed --repetitions 1000 --prompt-tokens 4000 --report {} 2>/dev/null "
      "& "
      "sleep 1; kill -INT $!; wait $!",
      QUANTSCOPE_CLI, model(), file("report"));
  EXPECT_EQ(run_shell(command).exit_code, 130);
  EXPECT_TRUE(fs::exists(folder_ / "report" / "run.json"));
}

TEST_F(CommandLine, AReportThatCannotBeWrittenIsSaidBeforeAnythingRuns) {
  std::ofstream(file("plain-file")) << "x";
  const Outcome outcome =
      errors("compare " + model() + " fp32 --data " + file("questions.json") + " --report " + file("plain-file"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("plain-file"));
}

TEST_F(CommandLine, DevicesNameTheCpuAndSayWhyOthersAreNotThere) {
  const json devices = cli_json("devices").at("devices");
  const auto cpu =
      std::find_if(devices.begin(), devices.end(), [](const json& device) { return device.at("id") == "cpu"; });
  ASSERT_NE(cpu, devices.end());
  EXPECT_FALSE(cpu->at("dispatch_levels").empty());
}

TEST_F(CommandLine, QuantizeWritesGgufThatRunsAsStored) {
  const std::string out = file("tiny.gguf");
  const json written = cli_json(fmt::format("quantize {} --format gguf --gguf-type q8_0 --out {}", model(), out));
  EXPECT_EQ(written["bytes"], fs::file_size(out));
  const json inspected = cli_json("inspect " + out);
  bool found = false;
  for (const json& tensor : inspected["tensors"]) {
    if (tensor["stored_name"] != "blk.1.ffn_down.weight") continue;
    found = true;
    EXPECT_EQ(tensor["type"], "Q8_0");
    EXPECT_EQ(tensor["bytes"], 64 * 96 / 32 * 34);
  }
  EXPECT_TRUE(found);
  const std::string prompt = " as-stored --prompt \"Lily saw\" --max-tokens 4 --compute fp32";
  EXPECT_EQ(cli("generate " + out + prompt).exit_code, 0);
  EXPECT_EQ(cli_json("tokenize " + out + " --text \"Lily saw\"")["ids"],
            cli_json("tokenize " + model() + " --text \"Lily saw\"")["ids"]);
}

TEST_F(CommandLine, QuantizeRefusesWhatGgufCannotHold) {
  const std::string to = " --format gguf --out " + file("no.gguf");
  EXPECT_THAT(errors("quantize " + model() + " nf4" + to).output, HasSubstr("the nearest is --gguf-type iq4_nl"));
  EXPECT_THAT(errors("quantize " + model() + " bf16 --gguf-type q8_0" + to).output, HasSubstr("give one of them"));
  EXPECT_THAT(errors("quantize " + model() + " --gguf-type q9_9" + to).output, HasSubstr("no GGUF type 'q9_9'"));
  EXPECT_THAT(errors("quantize " + model() + " --format zip --out x").output, HasSubstr("not written as 'zip'"));
  EXPECT_FALSE(fs::exists(file("no.gguf")));
}

}  // namespace
}  // namespace quantscope
