// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/experiment/resource_paths.h"
#include "core/experiment/run_result.h"

namespace quantscope {

/// A file that is not what it was when a run was recorded.
struct ChangedInput {
  std::string what;  ///< "checkpoint", "tokenizer of", "dataset" or "text"
  std::string file;
  std::string identity;         ///< what was compared: "fingerprint", "identity" or "hash"
  std::string expected, found;  ///< hex digits
};

/// The inputs of recorded runs that have changed since, each file once. Checkpoints are compared by
/// Checkpoint::fingerprint(), which reads samples, tokenizers by tokenizer_identity(), data files by the XXH3-128 of
/// their bytes, texts without a byte order mark. Answers of another program are passed over, and so is what a run did
/// not come to record. Fails where an input cannot be read.
Result<std::vector<ChangedInput>> changed_inputs(std::span<const RunResult> recorded, const ResourcePaths& resources,
                                                 const std::stop_token& stop = {});

/// "The dataset /data/q.json has changed since: its hash was 12ab and is 34cd now."
std::string sentence_of(const ChangedInput& input);

}  // namespace quantscope
