// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/experiment/run_result.h"

namespace quantscope {

/// Names of everything that decides a number, as hashes. Two results are of the same arithmetic, and may be pooled,
/// only if their keys are equal.

/// The key of what one task computes: fingerprint of the checkpoint, tokenizer, resolved settings, device, dispatch
/// level, versions of the program and of the format rules, task, protocol and hash of the data; of a KL divergence also
/// the settings of its base, which is of the same checkpoint. Neither the number of threads, nor the length of the KV
/// cache, nor the choice of items is in it: no answer depends on them.
std::string evaluation_key(const RunResult& run, const Task& task, const std::string& data_hash);

/// The key of a whole run: the same of all its tasks, and what exactly was asked.
std::string run_key(const RunResult& run);

}  // namespace quantscope
