// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluate/kl_statistics.h"
#include "core/evaluate/perplexity.h"
#include "core/evaluate/question_answering.h"
#include "core/evaluate/speed.h"
#include "core/evaluate/statistics.h"
#include "core/experiment/resolve.h"
#include "core/experiment/run_request.h"
#include "kernels/memory_ledger.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// What is needed to say where a number comes from.
struct Provenance {
  std::string program_version;
  std::string checkpoint;  ///< path as opened
  std::string fingerprint;
  std::string baseline_note;  ///< Checkpoint::baseline_note()
  std::string device;
  std::string dispatch_level;
  int threads = 0;
  std::string started;        ///< UTC, ISO 8601
  std::string imported_from;  ///< file of answers that another program made; empty when this one made them
  std::string tokenizer;      ///< tokenizer_identity(); empty when it is not known, or no task needed one
};

/// One quantized weight: what it is stored as and how far it is from the source.
struct TensorRecord {
  std::string name;
  std::string format;  ///< "nf4 b64 dq"
  std::int64_t rows = 0, columns = 0;
  FormatBytes bytes;
  QuantizationError error;
};

struct DomainScore {
  std::string domain;
  MeanEstimate f1, em;
};

struct QaOutcome {
  Task task;
  std::string dataset_name, dataset_hash;
  std::vector<std::string> notes;  ///< sample, single reference, ...
  std::vector<QaAnswer> answers;
  double seconds = 0;
  std::int64_t asked = 0;  ///< questions of the task, answered or not; 0 when it is not known

  MeanEstimate f1(Scorer scorer) const;
  MeanEstimate em(Scorer scorer) const;
  /// The answers of each domain apart, in alphabetical order; those of CoQA have the official script's names.
  std::vector<DomainScore> domains(Scorer scorer) const;
  std::int64_t prompt_tokens() const;           ///< of all prompts
  std::int64_t computed_prompt_tokens() const;  ///< of them, without those that a shared prefix saved
};

struct PerplexityOutcome {
  Task task;
  std::string text_name, text_hash;
  PerplexityResult result;
  double seconds = 0;
  std::int64_t asked = 0;  ///< windows of the task, measured or not; 0 when it is not known
};

struct KlOutcome {
  Task task;
  std::string text_name, text_hash;
  std::string base;  ///< configuration_text of the base's resolved settings
  KlResult result;
  double seconds = 0;  ///< of the comparison
  double base_seconds =
      0;  ///< loading the base and computing its hidden states; 0 when they were kept from a run before
  std::int64_t asked = 0;  ///< windows of the task, measured or not; 0 when it is not known
};

enum class RunState : std::uint8_t { finished, stopped, failed };
std::string_view run_state_name(RunState state);  ///< "finished", "stopped", "failed"
std::optional<RunState> parse_run_state(std::string_view name);

/// One configuration's measured results; whatever was finished before a stop or failure is kept.
struct RunResult {
  RunRequest request;
  Resolved resolved;
  Provenance provenance;
  RunState state = RunState::finished;
  std::optional<Error> error;
  MemoryRows measured;                   ///< peak of the ledger per tag, bytes
  std::int64_t mapped_bytes = 0;         ///< of the checkpoint's files
  std::int64_t peak_resident_bytes = 0;  ///< process, VmHWM
  std::int64_t peak_device_bytes = 0;    ///< Backend::driver_bytes(), the most after loading and after each task
  double load_seconds = 0;
  std::vector<TensorRecord> tensors;
  std::optional<QaOutcome> qa;
  std::optional<PerplexityOutcome> perplexity;
  std::optional<KlOutcome> kl;
  std::optional<SpeedResult> speed;
  std::string model_label;  ///< names the model where results of several stand together; see tell_models_apart()
};

/// "290", or "290 of 297" where fewer items are there than were asked for.
std::string count_text(std::int64_t n, std::int64_t asked);

/// What tables call a run: its configuration, behind the name of its model where others are of another model, or the
/// file that its answers were imported from.
std::string run_name(const RunResult& result);

/// Where a model was read from, and what its bytes hash to; both empty for what has none.
struct ModelIdentity {
  std::string path, fingerprint;
};

/// A name for each where they are of several models, else none: the last part of the path, and the beginning of the
/// fingerprint where that is not enough.
std::vector<std::string> model_labels(std::span<const ModelIdentity> models);

/// Gives each run the name of its model where runs of several models are among them, else none: the last part of its
/// path, and the beginning of the fingerprint where that is not enough.
void tell_models_apart(std::span<RunResult> runs);

}  // namespace quantscope
