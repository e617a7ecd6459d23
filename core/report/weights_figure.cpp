// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/weights_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/experiment/devices.h"
#include "core/experiment/open_model.h"
#include "core/experiment/tensor_preview.h"
#include "core/experiment/weight_planner.h"

namespace quantscope {
namespace {

/// What a run makes of the tensor; nothing where it does not quantize it.
std::optional<WeightFormat> format_in(const RunResult& run, const Checkpoint& checkpoint, const TensorInfo& tensor,
                                      const DeviceDescription& cpu) {
  Settings settings = run.request.settings;
  settings.device = "cpu";
  settings.simd = "auto";
  settings.threads = 0;
  const auto resolved = resolve(settings, checkpoint.model(), checkpoint.tensors(), cpu, {});
  if (!resolved) return std::nullopt;
  const WeightFormat format = planned_format(*resolved, tensor.name);
  return is_quantized(format) ? std::optional(format) : std::nullopt;
}

std::int64_t bytes_of(const WeightFormat& format, const TensorInfo& tensor) {
  const FormatBytes bytes = format_bytes(format, tensor.rows(), tensor.columns());
  return bytes.codes + bytes.scales;
}

std::string error_text(const RunResult& run, std::string_view tensor) {
  const auto record = std::ranges::find(run.tensors, tensor, &TensorRecord::name);
  if (record == run.tensors.end()) return {};
  return fmt::format(" (relative error {:.2f} %, SQNR {:.1f} dB)", 100 * record->error.relative_error,
                     record->error.sqnr_db);
}

/// Takes the smallest of the formats that the runs of this checkpoint hold the tensor in.
void choose_format(std::span<const RunResult> runs, const std::string& fingerprint, WeightsFigure& figure) {
  const TensorInfo& tensor = figure.info();
  const DeviceDescription cpu = available_devices().front();
  const RunResult* chosen = nullptr;
  for (const RunResult& run : runs) {
    if (run.provenance.fingerprint != fingerprint) continue;
    const auto format = format_in(run, *figure.checkpoint, tensor, cpu);
    if (!format || (chosen != nullptr && bytes_of(*format, tensor) >= bytes_of(figure.format, tensor))) continue;
    chosen = &run;
    figure.format = *format;
    figure.type = run.request.settings.type;
  }
  figure.caption = fmt::format("{}, the largest matrix of the first layer: its values in the checkpoint", tensor.name);
  if (chosen == nullptr)
    figure.caption += ". No run quantizes it.";
  else
    figure.caption += fmt::format(", and after {}{}.", run_name(*chosen), error_text(*chosen, tensor.name));
}

}  // namespace

Result<WeightsFigure> weights_figure(std::span<const RunResult> runs, const ResourcePaths& resources) {
  const auto run = std::ranges::find_if(runs, [](const RunResult& any) {
    return !any.provenance.fingerprint.empty() && any.provenance.imported_from.empty();
  });
  if (run == runs.end()) return fail(ErrorCode::not_found, "No run of this report has read a checkpoint.");
  auto checkpoint = open_model(run->request.model, resources);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  const auto fingerprint = (*checkpoint)->fingerprint();
  if (!fingerprint) return tl::unexpected(fingerprint.error());
  if ((*checkpoint)->is_plan() || *fingerprint != run->provenance.fingerprint)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The checkpoint {} is no longer the one that was run.", run->request.model),
                run->request.model);
  WeightsFigure figure;
  figure.checkpoint = std::move(*checkpoint);
  figure.tensor = first_shown_tensor(*figure.checkpoint);
  choose_format(runs, *fingerprint, figure);
  return figure;
}

}  // namespace quantscope
