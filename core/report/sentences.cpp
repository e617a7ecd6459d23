// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/sentences.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/experiment/compare_runs.h"
#include "core/report/figure_text.h"

namespace quantscope {
namespace {

void add_once(std::vector<std::string>& sentences, std::string sentence) {
  if (!sentence.empty() && std::ranges::find(sentences, sentence) == sentences.end())
    sentences.push_back(std::move(sentence));
}

std::string memory_sentence(const RunResult& run, const RunResult& baseline) {
  const double weights = static_cast<double>(run.measured.weights());
  std::string sentence =
      fmt::format("{} holds the weights in {} MiB", run_name(run), mebibytes_text(run.measured.weights()));
  if (&run != &baseline && baseline.measured.weights() > 0)
    sentence += fmt::format(", {:.1f} % of {}", 100 * weights / static_cast<double>(baseline.measured.weights()),
                            run_name(baseline));
  if (const std::int64_t scales = run.measured[MemoryTag::scales]; scales > 0)
    sentence += fmt::format("; {} MiB of them are scales, which the figure as commonly reported ({} MiB) leaves out",
                            mebibytes_text(scales), mebibytes_text(run.resolved.as_commonly_reported));
  return sentence + ".";
}

std::string question_stamp(const QaOutcome& qa) {
  return fmt::format("Questions: {} (hash {}), prompt {}, scorer {}, {}, n = {}.", qa.dataset_name, qa.dataset_hash,
                     qa.task.protocol, scorer_label(qa.task.scorer), items_text(qa.task),
                     count_text(std::ssize(qa.answers), qa.asked));
}

std::string perplexity_stamp(const PerplexityOutcome& text) {
  return fmt::format(
      "Perplexity: {} (hash {}), protocol {}, {} windows, {} scored tokens. Differences are "
      "paired window by window.",
      text.text_name, text.text_hash, text.task.protocol, count_text(std::ssize(text.result.chunks), text.asked),
      text.result.scored);
}

std::string kl_stamp(const KlOutcome& kl) {
  return fmt::format(
      "KL divergence of the base {} from each run, in nats: {} (hash {}), protocol {}, {} windows, {} positions.",
      kl.base, kl.text_name, kl.text_hash, kl.task.protocol, count_text(std::ssize(kl.result.chunks), kl.asked),
      kl.result.scored);
}

std::string unfinished_sentence(const RunResult& run) {
  if (run.state == RunState::finished) return {};
  const std::string reason = run.error ? " (" + run.error->message + ")" : std::string();
  return fmt::format("{} did not finish{}: its figures are of what was done until then.", run_name(run), reason);
}

}  // namespace

std::string items_text(const Task& task) {
  return fmt::format("{} of each story, sample {}", task.items == Items::all ? "all questions" : "the last question",
                     sample_text(task.sample));
}

std::string cut_sentence(const RunResult& run) {
  if (!run.qa) return {};
  const auto cut = std::ranges::count_if(run.qa->answers, [](const QaAnswer& answer) { return answer.cut_left; });
  if (cut == 0) return {};
  return fmt::format("{} prompts of {} were longer than the context and lost their beginning.", cut, run_name(run));
}

std::string pair_sentence(const PairRow& pair) {
  if (!pair.comparison)
    return fmt::format("{} is not compared with {}: {}", pair.configuration, pair.baseline, pair.verdict);
  const PairedComparison& figures = *pair.comparison;
  std::string sentence =
      fmt::format("{} against {}: {}, {}", pair.configuration, pair.baseline, difference_text(pair), pair.verdict);
  if (figures.resolved())
    sentence += fmt::format(" (n = {}, p = {}, after Holm {})", count_text(figures.n, figures.asked), p_text(figures.p),
                            p_text(pair.p_holm));
  else if (figures.n_needed > figures.n)
    sentence += fmt::format("; about {} {} would resolve a difference of this size", figures.n_needed,
                            pair_item_name(pair.figure));
  return sentence + ".";
}

std::vector<std::string> memory_sentences(std::span<const RunResult> runs) {
  std::vector<std::string> sentences;
  for (const RunResult& run : runs)
    if (run.measured.weights() > 0) sentences.push_back(memory_sentence(run, runs.front()));
  return sentences;
}

std::vector<std::string> kl_sentences(std::span<const RunResult> runs) {
  std::vector<std::string> sentences;
  const RunResult* first = nullptr;
  for (const RunResult& run : runs) {
    if (!run.kl) continue;
    if (first == nullptr) first = &run;
    const KlResult& kl = run.kl->result;
    sentences.push_back(
        fmt::format("{} against {}: KL divergence {} nats, the same most likely token at "
                    "{} % of {} positions, ln of the ratio of perplexities {}.",
                    run_name(run), run.kl->base, divergence_text(kl.divergence), percent_text(kl.same_top), kl.scored,
                    log_ratio_text(kl.log_ratio)));
    if (const auto same = check_divergences(*first, run); !same)
      sentences.push_back(fmt::format("The divergence of {} cannot be set beside that of {}: {}", run_name(run),
                                      run_name(*first), same.error().message));
  }
  return sentences;
}

std::vector<std::string> protocol_stamps(std::span<const RunResult> runs) {
  std::vector<std::string> stamps;
  for (const RunResult& run : runs) {
    if (run.qa) add_once(stamps, question_stamp(*run.qa));
    if (run.perplexity) add_once(stamps, perplexity_stamp(*run.perplexity));
    if (run.kl) add_once(stamps, kl_stamp(*run.kl));
  }
  return stamps;
}

std::vector<std::string> caveats(std::span<const RunResult> runs) {
  std::vector<std::string> sentences;
  for (const RunResult& run : runs) {
    if (const std::string& note = run.provenance.baseline_note; !note.empty())
      add_once(sentences, fmt::format("The checkpoint holds {}: it lies on a 4-bit grid already, so it loses more in a "
                                      "second 4-bit format than a 16-bit checkpoint does.",
                                      note));
    add_once(sentences, unfinished_sentence(run));
    if (!run.provenance.imported_from.empty())
      add_once(sentences, fmt::format("{} holds answers of another program: nothing of its model was measured here.",
                                      run_name(run)));
    if (!run.qa) continue;
    for (const std::string& note : run.qa->notes) add_once(sentences, note);
    add_once(sentences, cut_sentence(run));
  }
  return sentences;
}

}  // namespace quantscope
