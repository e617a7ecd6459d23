// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/recorded_inputs.h"

#include <fmt/format.h>

#include <map>

#include "core/experiment/file_hash.h"
#include "core/experiment/runner.h"
#include "core/experiment/task_data.h"
#include "core/input/utf8.h"
#include "core/tokenizer/tokenizer_identity.h"

namespace quantscope {
namespace {

/// Compares what is recorded with what is there; each file is read once.
class InputCheck {
 public:
  InputCheck(const ResourcePaths& resources, std::stop_token stop)
      : resources_(resources), stop_(std::move(stop)), runner_(resources) {}

  Result<void> check(const RunResult& run) {
    auto checked = check_checkpoint(run);
    if (checked && run.qa) checked = check_dataset(run.qa->task, run.qa->dataset_hash);
    if (checked && run.perplexity) checked = check_text(run.perplexity->task, run.perplexity->text_hash);
    if (checked && run.kl) checked = check_text(run.kl->task, run.kl->text_hash);
    return checked;
  }

  std::vector<ChangedInput> take_changed() { return std::move(changed_); }

 private:
  Result<void> check_checkpoint(const RunResult& run) {
    const std::string& expected = run.provenance.fingerprint;
    if (expected.empty()) return {};
    auto& found = fingerprints_[run.request.model];
    if (found.empty()) {
      auto checkpoint = runner_.open(run.request.model);
      if (!checkpoint) return tl::unexpected(checkpoint.error());
      auto fingerprint = (*checkpoint)->fingerprint();
      if (!fingerprint) return tl::unexpected(fingerprint.error());
      found = std::move(*fingerprint);
    }
    note({"checkpoint", run.request.model, "fingerprint", expected, found});
    return check_tokenizer(run);
  }

  Result<void> check_tokenizer(const RunResult& run) {
    const std::string& expected = run.provenance.tokenizer;
    if (expected.empty()) return {};
    auto& found = tokenizers_[run.request.model];
    if (found.empty()) {
      auto checkpoint = runner_.open(run.request.model);
      if (!checkpoint) return tl::unexpected(checkpoint.error());
      const auto tokenizer = Tokenizer::of(**checkpoint);
      if (!tokenizer) return tl::unexpected(tokenizer.error());
      found = tokenizer_identity(**tokenizer);
    }
    note({"tokenizer of", run.request.model, "identity", expected, found});
    return {};
  }

  Result<void> check_dataset(const Task& task, const std::string& expected) {
    return check_file("dataset", data_path(task, resources_), {}, expected);
  }

  Result<void> check_text(const Task& task, const std::string& expected) {
    return check_file("text", data_path(task, resources_), byte_order_mark, expected);
  }

  Result<void> check_file(const std::string& what, const std::filesystem::path& path, std::string_view passed_over,
                          const std::string& expected) {
    if (expected.empty()) return {};
    auto& found = hashes_[{what, path}];
    if (found.empty()) {
      auto hash = hash_file(path, stop_, passed_over);
      if (!hash) return tl::unexpected(hash.error());
      found = std::move(*hash);
    }
    note({what, path.string(), "hash", expected, found});
    return {};
  }

  /// Runs of one report share their inputs: each change is noted once.
  void note(ChangedInput input) {
    if (input.expected == input.found) return;
    for (const ChangedInput& known : changed_)
      if (known.file == input.file && known.expected == input.expected) return;
    changed_.push_back(std::move(input));
  }

  const ResourcePaths& resources_;
  std::stop_token stop_;
  Runner runner_;
  std::map<std::string, std::string> fingerprints_, tokenizers_;                 // by model
  std::map<std::pair<std::string, std::filesystem::path>, std::string> hashes_;  // by kind and place
  std::vector<ChangedInput> changed_;
};

}  // namespace

Result<std::vector<ChangedInput>> changed_inputs(std::span<const RunResult> recorded, const ResourcePaths& resources,
                                                 const std::stop_token& stop) {
  InputCheck check(resources, stop);
  for (const RunResult& run : recorded) {
    if (!run.provenance.imported_from.empty()) continue;
    if (auto checked = check.check(run); !checked) return tl::unexpected(checked.error());
  }
  return check.take_changed();
}

std::string sentence_of(const ChangedInput& input) {
  return fmt::format("The {} {} has changed since: its {} was {} and is {} now.", input.what, input.file,
                     input.identity, input.expected, input.found);
}

}  // namespace quantscope
