// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/task_options.h"

#include <fmt/format.h>

#include <charconv>

namespace quantscope::cli {
Result<std::pair<std::int64_t, std::int64_t>> parse_range(const std::string& text, const char* option) {
  if (text.empty()) return std::pair<std::int64_t, std::int64_t>{0, 0};
  std::int64_t first = 0;
  std::int64_t last = 0;
  const char* end = text.data() + text.size();
  const auto [colon, first_error] = std::from_chars(text.data(), end, first);
  if (first_error == std::errc() && colon != end && *colon == ':') {
    const auto [rest, last_error] = std::from_chars(colon + 1, end, last);
    if (last_error == std::errc() && rest == end && first >= 0 && last > first) return std::pair{first, last};
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} {} is not a range A:B with A < B, counted from zero.", option, text), option);
}

void TaskOptions::add_to(CLI::App& command, bool several) {
  const std::string group = "Tasks";
  auto* task = command.add_option("--task", names_, "coqa, squad, jsonl, perplexity, kl or speed")->group(group);
  if (several)
    task->expected(1, 4);
  else
    task->expected(1);
  command.add_option("--data", data_, "File of questions or plain text; \"sample\" is the bundled one")->group(group);
  if (several) command.add_option("--text", text_, "Plain text of the tasks perplexity and kl")->group(group);
  command
      .add_option("--items", items_,
                  "Questions of each story: last or all; by itself last for coqa, all for squad and jsonl")
      ->check(CLI::IsMember({"last", "all"}))
      ->group(group);
  command.add_option("--sample", sample_, "all, first:N or random:N:SEED (PCG32, without replacement)")
      ->group(group)
      ->capture_default_str();
  command.add_option("--protocol", protocol_, "perplexity and kl: ppl-llama.cpp-512 (by itself) or ppl-gptq-2048")
      ->group(group);
  command
      .add_option("--base", base_,
                  several ? "kl: the configuration that the others are compared with (default: the first)"
                          : "kl: the configuration that this one is compared with, such as fp32")
      ->group(group);
  command.add_option("--scorer", scorer_, "lm-eval, official or max; by itself max for squad, else lm-eval")
      ->check(CLI::IsMember({"lm-eval", "official", "max"}))
      ->group(group);
  command.add_option("--stories", stories_, "A:B, counted from zero, B left out; by itself all")->group(group);
  command.add_option("--chunks", chunks_, "A:B, counted from zero, B left out; by itself all")->group(group);
  command.add_option("--prompt-tokens", prompt_tokens_, "speed: tokens of the prompt")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20))
      ->group(group);
  command.add_option("--generated-tokens", generated_tokens_, "speed: tokens generated")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20))
      ->group(group);
  command.add_option("--repetitions", repetitions_, "speed: counted repetitions")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000))
      ->group(group);
}

Result<Task> TaskOptions::task(TaskKind kind) const {
  Task task;
  task.kind = kind;
  if (kind == TaskKind::speed) {
    task.speed = {prompt_tokens_, generated_tokens_, repetitions_};
    return task;
  }
  const bool reads_text = kind == TaskKind::perplexity || kind == TaskKind::kl;
  const bool own_text = reads_text && !text_.empty();
  task.data = own_text ? text_ : data_.empty() ? "sample" : data_;
  if (reads_text) task.protocol = protocol_;
  if (kind == TaskKind::kl && !base_.empty()) {
    auto base = parse_configuration(base_);
    if (!base) return tl::unexpected(base.error());
    task.base = std::move(*base);
  }
  // The last turn of a dialogue is CoQA's custom; elsewhere a story is questions that happen to share a passage.
  const bool last = items_.empty() ? !is_question_task(kind) || kind == TaskKind::coqa : items_ == "last";
  task.items = last ? Items::last : Items::all;
  // SQuAD's own scorer takes the best reference; leaving one out is CoQA's rule.
  task.scorer = kind == TaskKind::squad ? Scorer::max : Scorer::lm_eval;
  if (!scorer_.empty()) task.scorer = *parse_scorer(scorer_);
  auto sample = parse_sample(sample_);
  if (!sample) return tl::unexpected(sample.error());
  task.sample = *sample;
  auto stories = parse_range(stories_, "--stories");
  if (!stories) return tl::unexpected(stories.error());
  std::tie(task.first_story, task.last_story) = *stories;
  auto chunks = parse_range(chunks_, "--chunks");
  if (!chunks) return tl::unexpected(chunks.error());
  std::tie(task.first_chunk, task.last_chunk) = *chunks;
  return task;
}

Result<std::vector<Task>> TaskOptions::tasks() const {
  std::vector<std::string> names = names_;
  if (names.empty()) names.push_back("coqa");
  std::vector<Task> list;
  for (const std::string& name : names) {
    auto kind = parse_task(name);
    if (!kind) return tl::unexpected(kind.error());
    auto parsed = task(*kind);
    if (!parsed) return tl::unexpected(parsed.error());
    list.push_back(std::move(*parsed));
  }
  return list;
}

Result<std::vector<Task>> TaskOptions::with_data(std::vector<Task> tasks) const {
  if (!names_.empty())
    return fail(ErrorCode::invalid_argument, "--task and --preset exclude each other: a preset has its own tasks.",
                "task");
  for (Task& task : tasks)
    if (!data_.empty()) task.data = data_;
  return tasks;
}

}  // namespace quantscope::cli
