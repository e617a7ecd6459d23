// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/run_result.h"

namespace quantscope {

/// Two runs are compared item by item, and refused, with the reason, where their numbers do not mean the same: another
/// data set or text, prompt or protocol, scorer, tokenizer (tokenizer_identity() where both runs know it), or other
/// items. Runs whose items are final must have the same ones. A run that has not finished is compared on what it has
/// as long as it was asked the same; `asked` of the result is then more than `n`.

/// F1 and exact match of `base` against `other` by question, bootstrapped by story. Answers to prompts that nobody
/// knows are not compared with anything.
Result<PairedComparison> compare_runs(const RunResult& base, const RunResult& other, Scorer scorer);

/// ln(PPL / base PPL) by window. A perplexity keeps sums of windows and no tokens, so the window is the item:
/// `difference` is the mean over windows of the difference of their mean negative log-likelihoods (nats; the windows of
/// a protocol score equally many tokens), `error`, interval and p are those of windows. Tokens of a window depend on
/// each other, windows hardly do.
Result<PairedComparison> compare_perplexities(const RunResult& base, const RunResult& other);

/// Whether the KL divergences of two runs, each from its base, may stand beside each other: same base, text, protocol,
/// tokenizer and windows.
Result<void> check_divergences(const RunResult& first, const RunResult& other);

}  // namespace quantscope
