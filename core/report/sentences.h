// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/experiment/run_result.h"
#include "core/report/pairs.h"

/// What the numbers of a report support, in words. A difference that is not resolved is never called better or worse.
namespace quantscope {

/// Which questions were asked: "all questions of each story, sample first 50".
std::string items_text(const Task& task);
/// How many prompts lost their beginning; empty when none did.
std::string cut_sentence(const RunResult& run);

/// "nf4 against fp16: F1 -1.20 points [-3.10, +0.70], not resolved at n = 50; about 719 questions would resolve a
/// difference of this size."
std::string pair_sentence(const PairRow& pair);

/// One sentence for each configuration: its weights beside the baseline's, and the scales that the common figure leaves
/// out.
std::vector<std::string> memory_sentences(std::span<const RunResult> runs);

/// One sentence for each configuration with a KL divergence: how far its predictions are from the base's.
std::vector<std::string> kl_sentences(std::span<const RunResult> runs);

/// Data set, protocol, scorer, items and number of them; a sentence for each different stamp.
std::vector<std::string> protocol_stamps(std::span<const RunResult> runs);

/// What colours the results: a baseline that was quantized before, the bundled sample, single references, prompts that
/// were cut, runs that did not finish, answers that another program made.
std::vector<std::string> caveats(std::span<const RunResult> runs);

}  // namespace quantscope
