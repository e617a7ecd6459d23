// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/branched_generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace quantscope {
namespace {

using Ids = std::vector<std::int32_t>;

std::int64_t size_of(const Ids& ids) { return static_cast<std::int64_t>(ids.size()); }

/// A prompt that is being continued.
struct Branch {
  BranchResult result;
  Decoder::Sequence sequence;
  std::int64_t longest = 0;  ///< tokens of the sequence when it generates all it may
  std::int32_t next = 0;     ///< chosen, not yet in the sequence
};

/// A prompt of the open group that waits for room.
struct Waiting {
  std::size_t prompt = 0;
  Ids ids;
  std::int64_t shared = 0;        ///< leading ids that it has in common with the trunk
  std::optional<TopToken> first;  ///< known from the trunk's pass when the whole prompt is part of the trunk
};

/// The keys and values of a group's longest prompt. Branches start from it, the one that shares most first, and it
/// shrinks to what the rest need.
struct Trunk {
  std::size_t group = 0;
  Decoder::Sequence sequence;
  bool computed = false;
  std::vector<Waiting> waiting;   ///< the next one is the last
  std::int64_t unattributed = 0;  ///< its leading tokens that no branch has been charged with
};

class BranchScheduler {
 public:
  using GroupFn = std::function<Result<PromptGroup>(std::size_t)>;

  BranchScheduler(Decoder& decoder, std::size_t groups, const GroupFn& group, const BranchOptions& options)
      : decoder_(decoder),
        groups_(groups),
        group_(group),
        options_(options),
        most_branches_(std::clamp<std::int64_t>(options.most_branches, 1, decoder.batch_rows())) {}

  Result<void> run() {
    while (true) {
      if (options_.stop.stop_requested()) return cancelled();
      if (auto started = start_branches(); !started) return started;
      if (branches_.empty() && trunk_.waiting.empty() && next_group_ == groups_) return {};
      if (branches_.empty()) continue;  // every one that started ended with its first token
      if (auto stepped = step(); !stepped) return stepped;
    }
  }

 private:
  bool has_free_row() const { return static_cast<std::int64_t>(branches_.size()) < most_branches_; }

  /// Pages that are free even when every branch grows to its longest.
  std::int64_t spare_pages() const {
    std::int64_t spare = decoder_.cache().free_pages();
    for (const Branch& branch : branches_) spare -= branch.sequence.pages_to_reach(branch.longest);
    return spare;
  }

  Result<void> start_branches() {
    while (has_free_row()) {
      if (trunk_.waiting.empty()) {
        if (next_group_ == groups_) return {};
        if (auto taken = take_group(); !taken) return taken;
        continue;
      }
      const auto started = trunk_.computed ? start_next() : start_trunk();
      if (!started) return tl::unexpected(started.error());
      if (*started) continue;
      if (!branches_.empty()) return {};
      return fail(
          ErrorCode::out_of_memory,
          fmt::format("A prompt of {} tokens and an answer of {} do not fit into a KV cache of {} tokens; choose "
                      "a longer context.",
                      trunk_.waiting.back().ids.size(), options_.max_tokens, decoder_.capacity()),
          "context");
    }
    return {};
  }

  Result<void> take_group() {
    auto prompts = group_(next_group_);
    if (!prompts) return tl::unexpected(prompts.error());
    trunk_ = {next_group_++, decoder_.new_sequence(), false, {}, 0};
    for (std::size_t i = 0; i < prompts->size(); ++i) {
      if ((*prompts)[i].empty()) return fail(ErrorCode::internal, "The tokenizer made no tokens of a prompt.");
      trunk_.waiting.push_back({i, std::move((*prompts)[i]), 0, {}});
    }
    const auto longest =
        std::ranges::max_element(trunk_.waiting, {}, [](const Waiting& one) { return one.ids.size(); });
    if (longest == trunk_.waiting.end()) return {};
    const Ids& trunk_ids = longest->ids;
    for (Waiting& one : trunk_.waiting) one.shared = std::ranges::mismatch(one.ids, trunk_ids).in1 - one.ids.begin();
    std::ranges::stable_sort(trunk_.waiting, {}, &Waiting::shared);
    return {};
  }

  /// Computes the longest prompt if there is room for it and its answer. The head tells the first token of every prompt
  /// that it contains in the same pass.
  Result<bool> start_trunk() {
    const Ids& ids = trunk_.waiting.back().ids;
    if (spare_pages() < trunk_.sequence.pages_to_reach(size_of(ids) + options_.max_tokens)) return false;
    std::vector<std::int64_t> ends;
    for (const Waiting& one : trunk_.waiting)
      if (one.shared == size_of(one.ids)) ends.push_back(one.shared - 1);
    const auto tops = decoder_.append_tops(trunk_.sequence, ids, ends);
    if (!tops) return tl::unexpected(tops.error());
    auto top = tops->begin();
    for (Waiting& one : trunk_.waiting)
      if (one.shared == size_of(one.ids)) one.first = *top++;
    trunk_.computed = true;
    trunk_.unattributed = size_of(ids);
    return true;
  }

  /// Starts the next waiting prompt if the cache holds it beside the trunk that the rest need.
  Result<bool> start_next() {
    if (!prepared_) prepare_next();
    if (!has_room(*prepared_)) return false;
    Branch branch = std::move(*prepared_);
    prepared_.reset();
    const Waiting one = std::move(trunk_.waiting.back());
    trunk_.waiting.pop_back();
    std::optional<TopToken> first = one.first;
    if (branch.sequence.length() < size_of(one.ids)) {
      auto computed = compute_rest(branch, one.ids);
      if (!computed) return tl::unexpected(computed.error());
      first = *computed;
    }
    if (!finishes(branch, *first)) branches_.push_back(std::move(branch));
    return true;
  }

  /// Cuts the branch off the trunk, and the trunk to what the prompts after it need.
  void prepare_next() {
    const Waiting& one = trunk_.waiting.back();
    const std::int64_t length = size_of(one.ids);
    Branch branch;
    branch.result.group = trunk_.group;
    branch.result.prompt = one.prompt;
    branch.sequence = trunk_.sequence;
    branch.longest = length + options_.max_tokens;
    // Without its first token at hand the last id is computed again, because the head is asked about its row.
    const bool whole = one.first && trunk_.sequence.length() >= length;
    branch.sequence.truncate(whole ? length : std::min(one.shared, length - 1));
    const std::size_t count = trunk_.waiting.size();
    trunk_.sequence.truncate(count > 1 ? trunk_.waiting[count - 2].shared : 0);
    branch.result.computed_tokens = trunk_.unattributed - trunk_.sequence.length();
    trunk_.unattributed = trunk_.sequence.length();
    prepared_ = std::move(branch);
  }

  bool has_room(const Branch& branch) {
    const auto fits = [&] { return spare_pages() >= branch.sequence.pages_to_reach(branch.longest); };
    if (fits()) return true;
    if (!branches_.empty()) return false;
    // Nothing will give pages back. A trunk that ends with a whole page saves the copy of the page that both write.
    const std::int64_t page = decoder_.cache().page_tokens();
    trunk_.sequence.truncate(std::min(trunk_.sequence.length(), branch.sequence.length()) / page * page);
    return fits();
  }

  /// Appends the ids that the branch does not have from the trunk; the token that follows them.
  Result<TopToken> compute_rest(Branch& branch, const Ids& ids) {
    const auto rest = std::span(ids).subspan(static_cast<std::size_t>(branch.sequence.length()));
    const std::int64_t last = static_cast<std::int64_t>(rest.size()) - 1;
    const auto tops = decoder_.append_tops(branch.sequence, rest, {&last, 1});
    if (!tops) return tl::unexpected(tops.error());
    branch.result.computed_tokens += static_cast<std::int64_t>(rest.size());
    return tops->front();
  }

  /// One token for every branch in one pass.
  Result<void> step() {
    std::vector<Decoder::Sequence*> sequences;
    Ids ids;
    for (Branch& branch : branches_) {
      sequences.push_back(&branch.sequence);
      ids.push_back(branch.next);
    }
    if (auto stepped = decoder_.step(sequences, ids); !stepped) return stepped;
    const auto tops = decoder_.tops();
    if (!tops) return tl::unexpected(tops.error());
    auto top = tops->begin();
    std::erase_if(branches_, [&](Branch& branch) { return finishes(branch, *top++); });
    return {};
  }

  /// Takes the chosen token; true, with the result handed out, when it is the branch's last.
  bool finishes(Branch& branch, const TopToken& top) {
    BranchResult& result = branch.result;
    std::vector<GeneratedToken>& tokens = result.generation.tokens;
    result.smallest_margin = tokens.empty() ? top.margin : std::min(result.smallest_margin, top.margin);
    const bool ends = std::ranges::find(options_.end_ids, top.id) != options_.end_ids.end();
    if (!ends) tokens.push_back({top.id, top.margin});
    if (ends) {
      result.generation.reason = StopReason::end_token;
    } else if (options_.keep_going && !options_.keep_going(tokens)) {
      result.generation.reason = StopReason::stopped_by_caller;
    } else if (static_cast<std::int64_t>(tokens.size()) < options_.max_tokens) {
      branch.next = top.id;
      return false;
    }
    if (options_.on_result) options_.on_result(result);
    return true;
  }

  Decoder& decoder_;
  std::size_t groups_;
  const GroupFn& group_;
  const BranchOptions& options_;
  std::int64_t most_branches_;
  std::size_t next_group_ = 0;
  Trunk trunk_;
  std::optional<Branch> prepared_;  // cut off the trunk, waits for room
  std::vector<Branch> branches_;
};

}  // namespace

Result<void> generate_branches(Decoder& decoder, std::size_t groups,
                               const std::function<Result<PromptGroup>(std::size_t)>& group,
                               const BranchOptions& options) {
  return BranchScheduler(decoder, groups, group, options).run();
}

}  // namespace quantscope
