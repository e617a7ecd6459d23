// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "core/experiment/kl_base.h"
#include "core/experiment/weight_planner.h"
#include "core/model/model.h"
#include "core/quantize/quantize_tensor.h"
#include "kernels/clock.h"

namespace quantscope {
namespace {

/// A weight that both plans store, each in its way.
struct WeightPair {
  const PlannedWeight* quantized = nullptr;
  const PlannedWeight* base = nullptr;
};

bool differs(const PlannedWeight& a, const PlannedWeight& b) {
  return a.format != b.format || a.activations != b.activations;
}

/// Both plans list the same weights in the same order.
std::vector<WeightPair> differing_weights(const Resolved& resolved) {
  std::vector<WeightPair> pairs;
  for (std::size_t i = 0; i < resolved.plan.weights.size(); ++i) {
    const WeightPair pair{&resolved.plan.weights[i], &resolved.kl_base->plan.weights[i]};
    if (differs(*pair.quantized, *pair.base)) pairs.push_back(pair);
  }
  return pairs;
}

Result<std::unique_ptr<Weight>> load_planned(const Checkpoint& checkpoint, const PlannedWeight& planned,
                                             Backend& backend) {
  const TensorInfo* tensor = checkpoint.find(planned.slot.name);
  if (tensor == nullptr)
    return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", planned.slot.name));
  return load_weight(checkpoint, *tensor, planned.format, planned.as_stored, planned.tag, backend);
}

Result<SensitivityRow> tensor_row(const Checkpoint& checkpoint, const PlannedWeight& planned, Backend& backend) {
  auto weight = load_planned(checkpoint, planned, backend);
  if (!weight) return tl::unexpected(weight.error());
  auto error = quantization_error(checkpoint, *checkpoint.find(planned.slot.name), backend, **weight);
  if (!error) return tl::unexpected(error.error());
  SensitivityRow row;
  row.name = planned.slot.name;
  row.layer = planned.slot.layer;
  row.format = format_label(planned.format);
  row.tensors = {planned.slot.name};
  row.values = planned.slot.rows * planned.slot.columns;
  row.error = *error;
  return row;
}

/// The mean of two figures of rows, weighted with their sizes.
double weighted(double a, const SensitivityRow& of_a, double b, const SensitivityRow& of_b) {
  const auto n = static_cast<double>(of_a.values), m = static_cast<double>(of_b.values);
  return (a * n + b * m) / (n + m);
}

void add_to_layer(SensitivityRow& layer, const SensitivityRow& tensor) {
  const QuantizationError &a = layer.error, &b = tensor.error;
  QuantizationError sum;
  sum.relative_error =
      std::sqrt(weighted(a.relative_error * a.relative_error, layer, b.relative_error * b.relative_error, tensor));
  sum.sqnr_db = -20 * std::log10(sum.relative_error);
  sum.cosine = weighted(a.cosine, layer, b.cosine, tensor);
  sum.max_absolute = std::max(a.max_absolute, b.max_absolute);
  sum.mean_absolute = weighted(a.mean_absolute, layer, b.mean_absolute, tensor);
  layer.error = sum;
  layer.values += tensor.values;
  layer.tensors.push_back(tensor.name);
}

std::vector<SensitivityRow> by_layer(const std::vector<SensitivityRow>& tensors) {
  std::map<std::int64_t, SensitivityRow> layers;
  for (const SensitivityRow& tensor : tensors) {
    const auto [place, added] = layers.try_emplace(tensor.layer, tensor);
    if (!added) add_to_layer(place->second, tensor);
    place->second.name = tensor.layer < 0 ? "model" : fmt::format("model.layers.{}", tensor.layer);
  }
  std::vector<SensitivityRow> rows;
  for (auto& [layer, row] : layers) rows.push_back(std::move(row));
  return rows;
}

/// Exchanges weights of a loaded model and puts them back.
class WeightExchange {
 public:
  WeightExchange(Model& model, const Checkpoint& checkpoint, SensitivityMode mode, const Resolved& resolved)
      : model_(model), checkpoint_(checkpoint), mode_(mode), pairs_(differing_weights(resolved)) {}

  Result<void> exchange(const SensitivityRow& row) {
    for (const WeightPair& pair : pairs_) {
      if (std::ranges::find(row.tensors, pair.quantized->slot.name) == row.tensors.end()) continue;
      const PlannedWeight& wanted = mode_ == SensitivityMode::only ? *pair.quantized : *pair.base;
      const PlannedWeight& present = mode_ == SensitivityMode::only ? *pair.base : *pair.quantized;
      auto weight = load_planned(checkpoint_, wanted, model_.backend());
      if (!weight) return tl::unexpected(weight.error());
      auto old = model_.swap(wanted.slot.name, std::move(*weight), wanted.activations);
      if (!old) return tl::unexpected(old.error());
      taken_.push_back({wanted.slot.name, std::move(*old), present.activations});
    }
    return {};
  }

  Result<void> put_back() {
    for (Taken& taken : taken_) {
      auto done = model_.swap(taken.name, std::move(taken.weight), taken.activations);
      if (!done) return tl::unexpected(done.error());
    }
    taken_.clear();
    return {};
  }

 private:
  struct Taken {
    std::string name;
    std::unique_ptr<Weight> weight;
    ActivationMode activations;
  };

  Model& model_;
  const Checkpoint& checkpoint_;
  SensitivityMode mode_;
  std::vector<WeightPair> pairs_;
  std::vector<Taken> taken_;
};

/// The plan that the model is loaded with.
ModelPlan plan_of_rest(const Resolved& resolved, SensitivityMode mode) {
  ModelPlan plan = mode == SensitivityMode::only ? resolved.kl_base->plan : resolved.plan;
  plan.outlier_threshold = resolved.plan.outlier_threshold;  // of exchanged weights too
  return plan;
}

SensitivityFigures figures_of(const KlResult& result, double seconds) {
  SensitivityFigures figures;
  figures.divergence = result.divergence;
  figures.same_top = result.same_top;
  figures.log_ratio = result.log_ratio;
  figures.perplexity = result.perplexity().value;
  figures.base_perplexity = result.base_perplexity().value;
  figures.scored = result.scored;
  figures.seconds = seconds;
  return figures;
}

double sort_key(const SensitivityRow& row, SensitivityMeasure measure, SensitivityMode mode) {
  if (measure == SensitivityMeasure::error) return -row.expected_effect();
  if (!row.figures) return INFINITY;  // last
  const double figure = measure == SensitivityMeasure::kl ? row.figures->divergence.mean : row.figures->log_ratio.mean;
  return mode == SensitivityMode::only ? -figure : figure;
}

}  // namespace

std::string_view sensitivity_name(SensitivityMeasure measure) {
  constexpr std::array<std::string_view, 3> names = {"error", "kl", "perplexity"};
  return names[static_cast<std::size_t>(measure)];
}

std::string_view sensitivity_name(SensitivityUnit unit) { return unit == SensitivityUnit::tensor ? "tensor" : "layer"; }

std::string_view sensitivity_name(SensitivityMode mode) { return mode == SensitivityMode::only ? "only" : "all-but"; }

std::string sensitivity_key(const SensitivityMeasurement& measurement) {
  return fmt::format("{} of {}, {} on {} {}, base {}, {} {}:{} of text {}, checkpoint {}, version {}",
                     measurement.configuration, sensitivity_name(measurement.unit), sensitivity_name(measurement.mode),
                     measurement.device, measurement.dispatch_level, measurement.base, measurement.protocol,
                     measurement.first_chunk, measurement.last_chunk, measurement.text_hash, measurement.fingerprint,
                     measurement.program_version);
}

Result<std::vector<SensitivityRow>> sensitivity_errors(const Checkpoint& checkpoint, const Resolved& resolved,
                                                       SensitivityUnit unit, Backend& backend,
                                                       const ProgressFn& progress, std::stop_token stop) {
  std::vector<SensitivityRow> rows;
  const std::vector<WeightPair> pairs = differing_weights(resolved);
  for (const WeightPair& pair : pairs) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({"Measuring errors", std::ssize(rows), std::ssize(pairs), pair.quantized->slot.name});
    auto row = tensor_row(checkpoint, *pair.quantized, backend);
    if (!row) return tl::unexpected(row.error());
    rows.push_back(std::move(*row));
  }
  if (unit == SensitivityUnit::layer) rows = by_layer(rows);
  sort_sensitivity(rows, SensitivityMeasure::error, SensitivityMode::only);
  return rows;
}

Result<void> measure_sensitivity(const Checkpoint& checkpoint, const Resolved& resolved, SensitivityMode mode,
                                 const WindowedText& text, Backend& backend, std::vector<SensitivityRow>& rows,
                                 const std::function<void(const SensitivityRow&)>& on_row, const ProgressFn& progress,
                                 std::stop_token stop) {
  if (std::ranges::all_of(rows, [](const SensitivityRow& row) { return row.figures.has_value(); })) return {};
  KlBaseKeeper keeper;
  auto base = keeper.get("sensitivity", checkpoint, *resolved.kl_base, text, backend, progress, stop);
  if (!base) return tl::unexpected(base.error());
  const ModelPlan plan = plan_of_rest(resolved, mode);
  auto model = Model::load(checkpoint, plan, backend, progress, stop);
  if (!model) return tl::unexpected(model.error());
  auto decoder = Decoder::create(**model, plan.kv_type, text.protocol.window, default_batch_rows);
  if (!decoder) return tl::unexpected(decoder.error());
  WeightExchange weights(**model, checkpoint, mode, resolved);
  for (SensitivityRow& row : rows) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({"Sensitivity", &row - rows.data(), std::ssize(rows), row.name});
    if (row.figures) continue;
    const auto started = Clock::now();
    auto result = weights.exchange(row).and_then([&] { return evaluate_kl(**decoder, *base, text, {}, {}, stop); });
    if (auto back = weights.put_back(); !back) return back;
    if (!result) return tl::unexpected(result.error());
    row.figures = figures_of(*result, seconds_since(started));
    if (on_row) on_row(row);
  }
  if (progress) progress({"Sensitivity", std::ssize(rows), std::ssize(rows), {}});
  return {};
}

void sort_sensitivity(std::vector<SensitivityRow>& rows, SensitivityMeasure measure, SensitivityMode mode) {
  std::stable_sort(rows.begin(), rows.end(), [&](const SensitivityRow& a, const SensitivityRow& b) {
    return sort_key(a, measure, mode) < sort_key(b, measure, mode);
  });
}

}  // namespace quantscope
