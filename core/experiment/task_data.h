// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/evaluate/dataset.h"
#include "core/evaluate/perplexity.h"
#include "core/experiment/resolve.h"
#include "core/experiment/resource_paths.h"
#include "core/experiment/run_request.h"
#include "core/tokenizer/tokenizer.h"

namespace quantscope {

/// What the tasks of a request read, loaded and checked before any weight is touched, so that a bad file is reported
/// at once and the KV cache can be sized to what is really asked.
struct TaskData {
  std::optional<QaDataset> dataset;
  std::vector<QaItem> items;
  std::vector<std::int32_t> text_ids;
  std::string text_name;
  std::string text_hash;  ///< hash_bytes() of the text that was tokenized: without a byte order mark
  PerplexityProtocol protocol;
  std::optional<KlBaseInput> kl_base;
  std::int64_t context = 0;    ///< longest sequence in tokens: the settings' own, or what the longest item needs
  std::int64_t kv_tokens = 0;  ///< of the KV cache, at least `context`: room to answer several questions at once

  /// Whole windows of the text.
  std::int64_t windows() const { return static_cast<std::int64_t>(text_ids.size()) / protocol.window; }
};

bool needs_tokenizer(const RunRequest& request);

/// The file that a task reads; the bundled one where it names none. Empty for speed.
std::filesystem::path data_path(const Task& task, const ResourcePaths& resources);

/// A stop is answered while files are parsed and while prompts and texts are tokenized.
Result<TaskData> load_task_data(const RunRequest& request, const Tokenizer* tokenizer, const ModelDescription& model,
                                const ResourcePaths& resources, const std::stop_token& stop = {});

/// Which question task a file is for, guessed from the field names in its first 64 KiB; coqa when nothing is telling.
/// The reader of that task has the last word.
TaskKind guess_question_task(const std::filesystem::path& path);

/// The protocol with this name; the first of perplexity_protocols() when it is empty.
Result<PerplexityProtocol> find_protocol(std::string_view name);

}  // namespace quantscope
