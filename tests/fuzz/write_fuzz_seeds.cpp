// SPDX-License-Identifier: GPL-3.0-or-later
// Writes whole small files as the first inputs of the fuzzers: write_fuzz_seeds <folder>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/report/run_json.h"
#include "core/workspace/schema.h"
#include "core/workspace/workspace.h"
#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/core/checkpoint/small_layouts.h"
#include "tests/support/ggml_data.h"
#include "tests/support/reference_data.h"

namespace {

using namespace quantscope::testing;
namespace fs = std::filesystem;
using nlohmann::json;

void write(const fs::path& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories(folder);
  std::ofstream(folder / name, std::ios::binary) << bytes;
}

/// One file for each tokenizer.json and each chat template of the tests, so that every construct is reached.
void write_constructs(const fs::path& folder) {
  const fs::path data = quantscope::testing::source_folder() / "tests/data";
  const json tokenizers = json::parse(std::ifstream(data / "tokenizers/constructs.json"));
  for (const json& entry : tokenizers.at("constructs")) {
    const std::string number = std::to_string(&entry - &tokenizers.at("constructs").front());
    write(folder / "tokenizer_json", "construct" + number, entry.at("tokenizer").dump());
  }
  const json templates = json::parse(std::ifstream(data / "chat_templates/constructs.json"));
  for (const json& entry : templates.at("entries")) {
    const std::string number = std::to_string(&entry - &templates.at("entries").front());
    write(folder / "chat_template", "construct" + number, entry.at("template").get<std::string>());
  }
}

void write_vocabularies(const fs::path& folder) {
  write(folder, "sentencepiece",
        "llama\n\npb\n20<unk>\n30<s>\n30</s>\n60<0x41>\n1a\u2581\n1ba\n1cb\n1zab\n1y\u2581ab\nabab ba");
  for (const char* pre :
       {"gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o", "deepseek-v3", "deepseek-coder"}) {
    write(folder, pre,
          std::string("gpt2\n") + pre + "\nb\n10a\n30<s>\n10b\n10ab\n10\u0120\n10\u0120a\n10\u00c3\n\na b\n\u0120 a");
  }
}

/// One file in each layout of the readers of questions.
void write_questions(const fs::path& folder) {
  write(folder / "coqa", "official",
        R"({"data": [{"id": "a", "source": "cnn", "story": "S.", "questions": [{"input_text": "Q", "turn_id": 1}],)"
        R"("answers": [{"input_text": "A", "turn_id": 1}],)"
        R"("additional_answers": {"0": [{"input_text": "B", "turn_id": 1}]}}]})");
  write(folder / "coqa", "columns",
        R"({"id": "a", "source": "cnn", "story": "S.", "questions": {"input_text": ["Q"], "turn_id": [1]},)"
        R"("answers": {"input_text": ["A"], "turn_id": [1]}, "additional_answers": {"0": {"input_text": ["B"]}}})");
  write(folder / "coqa", "plain", R"([{"story": "S.", "questions": ["Q"], "answers": {"input_text": ["A"]}}])");
  write(folder / "exchange", "samples",
        R"({"doc": {"id": "one", "questions": {"input_text": ["Who?"]}}, "arguments": [["x"]], "resps": [["Lily"]]})");
  write(folder / "exchange", "predictions", R"([{"id": "one", "turn_id": 2, "answer": "a cat"}])");
  write(folder / "squad", "official",
        R"({"data": [{"title": "T", "paragraphs": [{"context": "C", "qas": [{"id": "a", "question": "Q",)"
        R"("answers": [{"text": "A"}]}, {"id": "b", "question": "Q", "answers": [], "is_impossible": true}]}]}]})");
  write(folder / "squad", "rows",
        R"({"id": "a", "title": "T", "context": "C", "question": "Q", "answers": {"text": ["A"]}}
{"id": "b", "title": "T", "context": "C", "question": "Q", "answers": {"text": []}})");
  write(folder / "records", "questions", R"({"id": 1, "context": "C", "question": "Q", "answers": ["A"]}
{"context": "C", "question": "Q", "answer": "A", "source": "s"})");
  write(folder / "records", "completions", R"([{"prompt": "P", "completion": "C"}])");
}

/// The description and the GGUF file of every family, each under the name of its case.
void copy_architectures(const fs::path& target) {
  const fs::path cases = quantscope::testing::source_folder() / "tests/data/architectures";
  for (const auto& entry : fs::directory_iterator(cases)) {
    const auto copy = [&](const char* file, const char* kind) {
      if (fs::exists(entry.path() / file))
        fs::copy_file(entry.path() / file, target / kind / entry.path().filename(),
                      fs::copy_options::overwrite_existing);
    };
    copy("config.json", "config");
    copy("model.gguf", "gguf");
  }
}

/// The small model with one more tensor of the given type.
std::string gguf_with(const quantscope::GgmlTypeInfo& info) {
  const auto blocks = random_ggml_blocks(info.type, static_cast<std::size_t>(512 / info.block_values));
  const std::string bytes(reinterpret_cast<const char*>(blocks.data()), blocks.size());
  return small_gguf().tensor("extra", {512, 1}, static_cast<std::uint32_t>(info.type), bytes).build();
}

GgufBuilder numbered(GgufBuilder builder, std::uint16_t number) {
  builder.raw("split.no", 2, bytes_of(number)).raw("split.count", 2, bytes_of<std::uint16_t>(2));
  return builder.raw("split.tensors.count", 5, bytes_of(std::int32_t{20}));
}

/// As tests/fuzz/gguf_parts_fuzzer.cpp takes them.
std::string gguf_parts() {
  const std::string first = numbered(small_gguf().without_tensor("output_norm.weight"), 0).build();
  const GgufBuilder rest = GgufBuilder().f32_tensor("output_norm.weight", {32}, std::vector<float>(32, 1.0F));
  return bytes_of(static_cast<std::uint32_t>(first.size())) + first + numbered(rest, 1).build();
}

/// What safetensors_fuzzer takes: the length of the config in two bytes, the config, the file.
std::string with_config(const std::string& config, const std::string& file) {
  const std::string length = {static_cast<char>(config.size() & 0xFFU), static_cast<char>(config.size() >> 8U)};
  return length + config + file;
}

/// A run with two windows of a KL divergence.
quantscope::RunResult kl_run() {
  quantscope::RunResult run;
  quantscope::Task task;
  task.kind = quantscope::TaskKind::kl;
  task.base = run.request.settings;
  run.request.tasks = {task};
  run.kl.emplace();
  run.kl->task = task;
  run.kl->base = "fp32";
  for (std::int64_t index = 0; index < 2; ++index)
    run.kl->result.chunks.push_back(
        quantscope::summarize_kl_chunk(index, {{-1, -1.5, 0.25, true}, {-2, -1.75, 0.125, false}}));
  return run;
}

/// A run with an answer, a window of a perplexity and a speed.
quantscope::RunResult answered_run() {
  using quantscope::TaskKind;
  quantscope::RunResult run;
  for (const TaskKind kind : {TaskKind::coqa, TaskKind::perplexity, TaskKind::speed})
    run.request.tasks.emplace_back().kind = kind;
  quantscope::QaAnswer answer;
  answer.story_id = "one";
  answer.turn = 1;
  answer.prediction = "Lily";
  answer.references = {"Lily"};
  run.qa.emplace().task = run.request.tasks[0];
  run.qa->answers = {answer};
  run.perplexity.emplace().task = run.request.tasks[1];
  run.perplexity->result.chunks = {{0, 1.5, 2.5, 2}};
  run.speed.emplace();
  return run;
}

/// An empty workspace, one of the first schema, and two with what runs and a sensitivity leave.
bool write_workspaces(const fs::path& folder) {
  using quantscope::FileAccess;
  fs::create_directories(folder);
  if (!quantscope::Workspace::open(folder / "empty", FileAccess::write)) return false;
  auto first = quantscope::Database::open(folder / "first_schema", FileAccess::write);
  if (!first || !prepare_schema(*first, FileAccess::write, quantscope::schema_steps().first(1))) return false;
  const auto answered = quantscope::Workspace::open(folder / "answered", FileAccess::write);
  if (!answered || !(*answered)->add(answered_run())) return false;
  const auto workspace = quantscope::Workspace::open(folder / "kl", FileAccess::write);
  quantscope::SensitivityMeasurement measurement;
  measurement.rows.push_back({"model.layers.0", 0, "NF4 block 64", {"a", "b"}, 128, {}, {}});
  return workspace && (*workspace)->add(kl_run()) && (*workspace)->begin(measurement);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const fs::path folder(arguments[1]);
  write(folder / "gguf", "small", small_gguf().build());
  for (const quantscope::GgmlTypeInfo& info : quantscope::ggml_types)
    write(folder / "gguf", std::string(info.key), gguf_with(info));
  write(folder / "gguf_parts", "small", gguf_parts());
  write(folder / "safetensors", "small", with_config({}, safetensors_file(small_tensors())));
  int number = 0;  // two layouts may share a name
  for (const SmallLayout& layout : small_layouts()) {
    const std::string config = layout.config.is_null() ? std::string() : layout.config.dump();
    write(folder / "safetensors", layout.name + std::to_string(number++),
          with_config(config, safetensors_file(layout.entries)));
  }
  write(folder / "config", "small", small_config());
  if (!write_workspaces(folder / "workspace")) return 1;
  write(folder / "run_json", "answered", quantscope::runs_json(std::vector{answered_run()}));
  write(folder / "run_json", "both", quantscope::runs_json(std::vector{kl_run(), answered_run()}));
  copy_architectures(folder);
  write_constructs(folder);
  write_questions(folder);
  write_vocabularies(folder / "gguf_vocabulary");
  return 0;
}
