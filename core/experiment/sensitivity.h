// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/evaluate/kl_divergence.h"
#include "core/experiment/resolve.h"
#include "kernels/backend.h"
#include "kernels/progress.h"

/// Which weights a quantization hurts: the error of each tensor, and what happens to the model's predictions when a
/// part of it alone is quantized, or all but that part.
namespace quantscope {

/// `error` needs no run; `kl` and `perplexity` are figures of the same runs and differ in what rows are sorted by.
enum class SensitivityMeasure : std::uint8_t { error, kl, perplexity };
enum class SensitivityUnit : std::uint8_t { tensor, layer };
/// The part in the quantized format and the rest as in the base, or the other way round.
enum class SensitivityMode : std::uint8_t { only, all_but };
std::string_view sensitivity_name(SensitivityMeasure measure);
std::string_view sensitivity_name(SensitivityUnit unit);
std::string_view sensitivity_name(SensitivityMode mode);

/// What the predictions on the text are with this part exchanged, against the base.
struct SensitivityFigures {
  MeanEstimate divergence;  ///< KL(base || this), nats
  MeanEstimate same_top;    ///< 0..1
  MeanEstimate log_ratio;   ///< ln(PPL / base PPL), paired
  double perplexity = 0;
  double base_perplexity = 0;
  std::int64_t scored = 0;  ///< positions
  double seconds = 0;
};

/// One tensor, or the quantized tensors of one layer.
struct SensitivityRow {
  std::string name;         ///< Hugging Face name of the tensor; "model.layers.3", or "model" for those outside layers
  std::int64_t layer = -1;  ///< -1 outside the blocks
  std::string format;       ///< "NF4 block 64"; that of its first tensor for a layer
  std::vector<std::string> tensors;
  std::int64_t values = 0;  ///< weights
  /// Of the codes against the checkpoint. Of a layer: relative error = root mean square over its values, SQNR from it,
  /// cosine = mean over its values, largest and mean absolute errors of them all.
  QuantizationError error;
  std::optional<SensitivityFigures> figures;  ///< not for the measure `error`, and not before they are there

  /// What rows are worked on by, largest first: relative error times size.
  double expected_effect() const { return error.relative_error * static_cast<double>(values); }
};

/// Rows with everything that their figures depend on.
struct SensitivityMeasurement {
  std::string configuration, base;  ///< arithmetic_text of the resolved settings
  SensitivityUnit unit = SensitivityUnit::tensor;
  SensitivityMode mode = SensitivityMode::only;
  std::string protocol, text_name, text_hash;    ///< empty where only errors were measured
  std::int64_t first_chunk = 0, last_chunk = 0;  ///< windows [first, last), last = 0: all
  std::string checkpoint, fingerprint, device, dispatch_level, program_version;
  std::vector<SensitivityRow> rows;
};
/// Names everything that the figures depend on; figures may be taken over only where it is the same.
std::string sensitivity_key(const SensitivityMeasurement& measurement);

/// Every tensor (or layer) that the quantized plan stores otherwise than the base's, with its error, in the order of
/// expected_effect(). Quantizes one tensor after the other; no model is loaded.
Result<std::vector<SensitivityRow>> sensitivity_errors(const Checkpoint& checkpoint, const Resolved& resolved,
                                                       SensitivityUnit unit, Backend& backend,
                                                       const ProgressFn& progress, std::stop_token stop);

/// Fills the figures of the rows that have none, in order and without loading anything when all have them, by
/// exchanging weights of one loaded model: it is loaded once (in the base's format for `only`, quantized for `all_but`)
/// and computes in the compute type that it is loaded with. `on_row` gets each row as soon as it is there; a stop
/// returns cancelled and what was finished stays in `rows`. `resolved` must have a KL base for the windows of `text`.
Result<void> measure_sensitivity(const Checkpoint& checkpoint, const Resolved& resolved, SensitivityMode mode,
                                 const WindowedText& text, Backend& backend, std::vector<SensitivityRow>& rows,
                                 const std::function<void(const SensitivityRow&)>& on_row, const ProgressFn& progress,
                                 std::stop_token stop);

/// The rows as they are shown: by the measure, worst first. `all_but` rows are worst where leaving the part out helps
/// most, so they are sorted from the smallest figure.
void sort_sensitivity(std::vector<SensitivityRow>& rows, SensitivityMeasure measure, SensitivityMode mode);

}  // namespace quantscope
