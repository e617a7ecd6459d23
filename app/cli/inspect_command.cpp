// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "core/experiment/devices.h"
#include "core/quantize/quantize_tensor.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct InspectOptions {
  std::string model, tensor;
  bool histogram = false;
};

json tensor_json(const TensorInfo& tensor) {
  return {{"name", tensor.name},
          {"stored_name", tensor.stored_name},
          {"shape", tensor.shape},
          {"type", stored_form(tensor)},
          {"quantized", tensor.quantized || is_block_quantized(tensor.type)},
          {"bytes", tensor.bytes}};
}

/// The quantized forms in the file with what they really take: bits of one value, scales included.
json quantization_json(const Checkpoint& checkpoint) {
  struct Sum {
    std::int64_t tensors = 0, values = 0;
    std::uint64_t bytes = 0;
  };
  std::map<std::string, Sum> forms;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (!tensor.quantized && !is_block_quantized(tensor.type)) continue;
    Sum& sum = forms[stored_form(tensor)];
    ++sum.tensors;
    sum.values += tensor.count();
    sum.bytes += tensor.bytes;
  }
  json list = json::array();
  for (const auto& [form, sum] : forms)
    list.push_back({{"form", form},
                    {"tensors", sum.tensors},
                    {"values", sum.values},
                    {"bytes", sum.bytes},
                    {"bits_per_value", 8.0 * static_cast<double>(sum.bytes) / static_cast<double>(sum.values)}});
  return list;
}

json statistics_json(const TensorStatistics& statistics, bool histogram) {
  json value = {{"count", statistics.count},       {"not_finite", statistics.not_finite},
                {"zeros", statistics.zeros},       {"outliers", statistics.outliers},
                {"minimum", statistics.minimum},   {"maximum", statistics.maximum},
                {"mean", statistics.mean},         {"standard_deviation", statistics.standard_deviation},
                {"skewness", statistics.skewness}, {"excess_kurtosis", statistics.excess_kurtosis}};
  if (!histogram) return value;
  json bins = json::array();
  for (std::size_t i = 0; i < statistics.histogram.counts.size(); ++i)
    if (statistics.histogram.counts[i] > 0) bins.push_back({i, statistics.histogram.counts[i]});
  value["histogram"] = {
      {"bins", statistics.histogram.bins == HistogramBins::float16 ? "float16 patterns" : "bfloat16 patterns"},
      {"pattern_and_count", std::move(bins)}};
  return value;
}

json model_json(const Checkpoint& checkpoint) {
  const ModelDescription& model = checkpoint.model();
  std::int64_t parameters = 0;
  for (const WeightSlot& slot : weight_slots(model)) parameters += slot.rows * slot.columns;
  return {{"name", model.name},
          {"architecture", model.family},
          {"license", model.license},
          {"parameters", parameters},
          {"vocabulary", model.vocabulary},
          {"hidden", model.hidden},
          {"intermediate", model.intermediate},
          {"layers", model.layers},
          {"heads", model.heads},
          {"kv_heads", model.kv_heads},
          {"head_dim", model.head_dim},
          {"context", model.context},
          {"rope_theta", model.rope.theta},
          {"tied_head", model.tied_head},
          {"baseline_note", checkpoint.baseline_note()},
          {"quantization", quantization_json(checkpoint)},
          {"plan", checkpoint.is_plan()}};
}

void print_text(const Checkpoint& checkpoint) {
  const json description = model_json(checkpoint);
  for (const auto& [key, value] : description.items())
    fmt::print("{:<14} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> by_type;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    auto& [count, bytes] = by_type[stored_form(tensor)];
    ++count;
    bytes += tensor.bytes;
  }
  fmt::print("{:<14} {}\n", "tensors", checkpoint.tensors().size());
  for (const auto& [type, sum] : by_type)
    fmt::print("  {:<12} {} tensors, {}\n", type, sum.first, mebibytes(static_cast<std::int64_t>(sum.second)));
  std::vector<std::vector<std::string>> rows = {{"tensor", "type", "shape", "bytes"}};
  for (const TensorInfo& tensor : checkpoint.tensors())
    rows.push_back({tensor.name, stored_form(tensor), fmt::format("{}", fmt::join(tensor.shape, " x ")),
                    std::to_string(tensor.bytes)});
  print_table(rows);
}

int inspect_tensor(const Session& session, const InspectOptions& options, const Checkpoint& checkpoint) {
  const TensorInfo* tensor = checkpoint.find(options.tensor);
  if (tensor == nullptr)
    return report_error(
        session,
        {ErrorCode::not_found, fmt::format("{} has no tensor {}.", options.model, options.tensor), {}, options.model});
  auto backend = open_device({});
  if (!backend) return report_error(session, backend.error());
  (*backend)->set_stop_token(session.stop);
  const auto bins = tensor->type == StoredType::f16 ? HistogramBins::float16 : HistogramBins::bfloat16;
  auto statistics = (*backend)->statistics(source_rows(checkpoint, *tensor), tensor->rows(), tensor->columns(), bins);
  if (!statistics) return report_error(session, statistics.error());
  json value = tensor_json(*tensor);
  value["statistics"] = statistics_json(*statistics, options.histogram);
  if (session.json) {
    print_json(value);
    return ExitCode::done;
  }
  for (const auto& [key, entry] : value["statistics"].items())
    if (!entry.is_object()) fmt::print("{:<20} {}\n", key, entry.dump());
  if (options.histogram) fmt::print("{}\n", value["statistics"]["histogram"].dump());
  return ExitCode::done;
}

int inspect(const Session& session, const InspectOptions& options) {
  auto checkpoint = open_model(options.model);
  if (!checkpoint) return report_error(session, checkpoint.error());
  if (!options.tensor.empty()) return inspect_tensor(session, options, **checkpoint);
  if (!session.json) {
    print_text(**checkpoint);
    return ExitCode::done;
  }
  json value = model_json(**checkpoint);
  value["tensors"] = json::array();
  for (const TensorInfo& tensor : (*checkpoint)->tensors()) value["tensors"].push_back(tensor_json(tensor));
  print_json(value);
  return ExitCode::done;
}

}  // namespace

void add_inspect(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      app.add_subcommand("inspect", "What is in a checkpoint: architecture, sizes, tensors, statistics");
  command->add_option("model", options->model, "Hugging Face folder, .gguf, .safetensors, config.json, or default")
      ->required();
  command->add_option("--tensor", options->tensor, "Statistics of this tensor (reads all of it)");
  command->add_flag("--histogram", options->histogram, "With --tensor: counts of all 16-bit patterns that occur");
  command->footer(
      R"(JSON: {"architecture": "llama", "layers": 30, "tensors": [{"name": "...", "type": "Q4_1", ...}]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return inspect(session, *options); }; });
}

}  // namespace quantscope::cli
