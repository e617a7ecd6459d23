// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stop_token>

#include "core/evaluate/kl_statistics.h"
#include "core/evaluate/text_windows.h"
#include "core/model/decoder.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/memory_ledger.h"
#include "kernels/progress.h"

/// KL divergence without a file of logits: the base's final hidden states at the scored positions are kept (a row of
/// `hidden` floats instead of `vocabulary` of them), and the logits of both models are formed from hidden states and
/// heads, vocabulary tile by vocabulary tile (Backend::head_pair). The base model itself is needed only while its
/// states are computed; several quantized models may then be compared with the same states.
namespace quantscope {

/// A text in windows.
struct WindowedText {
  const Tokenizer* tokenizer = nullptr;
  std::span<const std::int32_t> ids;  ///< of the whole text, encoded once with the tokenizer's own rule for BOS
  PerplexityProtocol protocol;
  std::int64_t first_chunk = 0, last_chunk = 0;  ///< [first, last), last = 0: all
};

/// A model's final hidden states, before the final norm, at the scored positions of some windows; host memory.
class ScoredStates {
 public:
  /// Runs the windows of the text through the decoder. Memory is counted in the backend's upload_ledger() as workspace.
  static Result<ScoredStates> compute(Decoder& decoder, const WindowedText& text, const ProgressFn& progress,
                                      std::stop_token stop);
  /// fp32 values [protocol.scored(), hidden] of a window; empty where it was not computed.
  std::span<const float> window(std::int64_t chunk) const;
  std::int64_t bytes() const;

 private:
  std::map<std::int64_t, TaggedBuffer> windows_;
};

/// What a divergence needs of its base: states, and the final norm and head that belong to them, on the backend of the
/// model that is compared.
struct KlBase {
  const ScoredStates* states = nullptr;
  Norm norm;
  Linear head;
};

/// Compares a model with the base in every window of the text. `on_chunk` gets each window as soon as it is there. The
/// states must hold the same windows of the same text. A stopped token reaches the backend too. Results do not depend
/// on threads or on how rows are batched (on the CPU; a GPU as its kernels say).
Result<KlResult> evaluate_kl(Decoder& decoder, const KlBase& base, const WindowedText& text,
                             const std::function<void(const KlChunk&)>& on_chunk, const ProgressFn& progress,
                             std::stop_token stop);

}  // namespace quantscope
