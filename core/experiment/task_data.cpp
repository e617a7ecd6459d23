// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/task_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "core/evaluate/dataset_json.h"
#include "core/evaluate/plain_text.h"
#include "core/evaluate/qa_prompt.h"
#include "core/experiment/file_hash.h"

namespace quantscope {
namespace {

constexpr std::int64_t most_generated = 256;
/// KV cache for questions that are answered at once. On two cores a step of 16 sequences costs little more than one of
/// a single sequence, and so many fit beside a story even if each answer were as long as it may be.
constexpr std::int64_t branching_tokens = 8192;

/// The longest prompt in tokens. All are tokenized: the longest in bytes need not be the longest in tokens.
Result<std::int64_t> longest_prompt(const QaDataset& dataset, const std::vector<QaItem>& items,
                                    const Tokenizer& tokenizer, const std::stop_token& stop) {
  std::int64_t longest = 0;
  for (const QaItem& item : items) {
    const auto ids = tokenizer.encode(qa_prompt(dataset, item), {}, stop);
    if (!ids) return tl::unexpected(ids.error());
    longest = std::max(longest, std::ssize(*ids));
  }
  return longest;
}

bool is_sample(const Task& task) { return task.data.empty() || task.data == "sample"; }

Result<QaDataset> read_questions(const Task& task, const ResourcePaths& resources, const std::stop_token& stop) {
  if (is_sample(task) && task.kind != TaskKind::coqa)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("The bundled sample has CoQA's layout; give a data file for the task {}.", task_name(task.kind)),
        "data");
  const std::filesystem::path path = data_path(task, resources);
  if (task.kind == TaskKind::squad) return read_squad(path, stop);
  if (task.kind == TaskKind::jsonl) return read_records(path, stop);
  return read_coqa(path, stop);
}

Result<void> load_qa(const Task& task, const Tokenizer& tokenizer, const ResourcePaths& resources, TaskData& data,
                     const std::stop_token& stop) {
  auto dataset = read_questions(task, resources, stop);
  if (!dataset) return tl::unexpected(dataset.error());
  auto items = choose_items(*dataset, task.items, task.sample, static_cast<std::size_t>(task.first_story),
                            static_cast<std::size_t>(task.last_story));
  if (!items) return tl::unexpected(items.error());
  data.dataset = std::move(*dataset);
  data.items = std::move(*items);
  const auto longest = longest_prompt(*data.dataset, data.items, tokenizer, stop);
  if (!longest) return tl::unexpected(longest.error());
  data.context = std::max(data.context, *longest + most_generated);
  // A branch takes its answer and a copy of the page on which it leaves the story.
  const std::int64_t branch = most_generated + KvShape().page_tokens;
  const std::int64_t all_branches = data.context + static_cast<std::int64_t>(data.items.size() - 1) * branch;
  data.kv_tokens = std::max(data.kv_tokens, std::min(branching_tokens, all_branches));
  return {};
}

/// How results name the text that was read from `path`.
std::string text_name(const Task& task, const std::filesystem::path& path, bool without_mark) {
  if (is_sample(task)) return "bundled sample text";
  return path.filename().string() + (without_mark ? " (without its byte order mark)" : "");
}

/// Reads and tokenizes the text of a task; the windows of it that the task asks for.
Result<ChunkRange> load_text(const Task& task, const Tokenizer& tokenizer, const ResourcePaths& resources,
                             TaskData& data, const std::stop_token& stop) {
  const std::filesystem::path path = data_path(task, resources);
  auto protocol = find_protocol(task.protocol);
  if (!protocol) return tl::unexpected(protocol.error());
  const auto bytes = read_dataset_bytes(path);
  if (!bytes) return tl::unexpected(bytes.error());
  const auto text = plain_text(*bytes, path.string(), stop);
  if (!text) return tl::unexpected(text.error());
  const std::string hash = hash_bytes(*text);
  if (!data.text_ids.empty() && (hash != data.text_hash || protocol->name != data.protocol.name))
    return fail(ErrorCode::invalid_argument,
                "The tasks perplexity and kl of one run share their text and protocol; run them one after the other.",
                path.string());
  data.protocol = *protocol;
  data.text_name = text_name(task, path, text->size() < bytes->size());
  data.text_hash = hash;
  auto ids = tokenizer.encode(*text, {}, stop);
  if (!ids) return tl::unexpected(ids.error());
  data.text_ids = std::move(*ids);
  data.context = std::max(data.context, protocol->window);
  return choose_chunks(std::ssize(data.text_ids), data.protocol, task.first_chunk, task.last_chunk);
}

Result<void> load_kl(const Task& task, const Tokenizer& tokenizer, const ResourcePaths& resources, TaskData& data,
                     const std::stop_token& stop) {
  if (!task.base)
    return fail(
        ErrorCode::invalid_argument,
        "The task kl needs a base to compare with: --base SETTINGS, or the first configuration of a comparison.",
        "base");
  const auto range = load_text(task, tokenizer, resources, data, stop);
  if (!range) return tl::unexpected(range.error());
  data.kl_base = KlBaseInput{*task.base, data.protocol.window, range->count() * data.protocol.scored()};
  return {};
}

Result<void> load_task(const Task& task, const Tokenizer* tokenizer, const ResourcePaths& resources, TaskData& data,
                       const std::stop_token& stop) {
  switch (task.kind) {
    case TaskKind::coqa:
    case TaskKind::squad:
    case TaskKind::jsonl: return load_qa(task, *tokenizer, resources, data, stop);
    case TaskKind::perplexity:
      if (const auto range = load_text(task, *tokenizer, resources, data, stop); !range)
        return tl::unexpected(range.error());
      return {};
    case TaskKind::kl: return load_kl(task, *tokenizer, resources, data, stop);
    case TaskKind::speed:
      data.context = std::max(data.context, task.speed.prompt_tokens + task.speed.generated_tokens);
      return {};
  }
  return {};
}

}  // namespace

bool needs_tokenizer(const RunRequest& request) {
  return std::any_of(request.tasks.begin(), request.tasks.end(),
                     [](const Task& task) { return task.kind != TaskKind::speed; });
}

std::filesystem::path data_path(const Task& task, const ResourcePaths& resources) {
  if (task.kind == TaskKind::speed) return {};
  if (!is_sample(task)) return task.data;
  return resources.resources / (is_question_task(task.kind) ? "sample_coqa.json" : "sample_text.txt");
}

TaskKind guess_question_task(const std::filesystem::path& path) {
  std::string head(std::size_t{64} << 10U, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const auto has = [&](const char* field) { return head.find(field) != std::string::npos; };
  if (has("\"story\"")) return TaskKind::coqa;
  if (has("\"paragraphs\"") || has("\"answer_start\"")) return TaskKind::squad;
  return has("\"question\"") || has("\"prompt\"") ? TaskKind::jsonl : TaskKind::coqa;
}

Result<PerplexityProtocol> find_protocol(std::string_view name) {
  const auto protocols = perplexity_protocols();
  if (name.empty()) return protocols.front();
  for (const PerplexityProtocol& protocol : protocols)
    if (protocol.name == name) return protocol;
  return fail(ErrorCode::invalid_argument,
              fmt::format("The perplexity protocol \"{}\" does not exist; there are {} and {}.", name,
                          protocols.front().name, protocols.back().name),
              "protocol");
}

Result<TaskData> load_task_data(const RunRequest& request, const Tokenizer* tokenizer, const ModelDescription& model,
                                const ResourcePaths& resources, const std::stop_token& stop) {
  if (auto checked = check_tasks(request.tasks); !checked) return tl::unexpected(checked.error());
  TaskData data;
  data.protocol = perplexity_protocols().front();
  for (const Task& task : request.tasks)
    if (auto loaded = load_task(task, tokenizer, resources, data, stop); !loaded) return tl::unexpected(loaded.error());
  if (data.context == 0) data.context = most_generated;
  if (model.context > 0) data.context = std::min(data.context, model.context);
  data.kv_tokens = std::max(data.kv_tokens, data.context);
  if (request.settings.context > 0) data.context = data.kv_tokens = request.settings.context;
  if (!data.text_ids.empty() && data.context < data.protocol.window)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} reads windows of {} tokens, but the context is {}; choose another protocol or a longer "
                            "context.",
                            data.protocol.name, data.protocol.window, data.context),
                "protocol");
  return data;
}

}  // namespace quantscope
