// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "app/cli/settings_options.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/experiment/devices.h"
#include "core/experiment/weight_planner.h"
#include "core/quantize/quantize_tensor.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct TensorOptions {
  std::string model, configuration, name, out;
  SettingsOptions settings;
};

std::string_view code_dtype(CodeType type) {
  switch (type) {
    case CodeType::float32: return "F32";
    case CodeType::float16: return "F16";
    case CodeType::bfloat16: return "BF16";
    case CodeType::signed8: return "I8";
    case CodeType::float8_e4m3: return "F8_E4M3";
    case CodeType::packed4:
    case CodeType::ggml_blocks:
    case CodeType::unsigned_bits: return "U8";
  }
  return "U8";
}

std::string_view scale_dtype(const WeightFormat& format) {
  if (format.nested_scales) return "U8";
  switch (format.scale_type) {
    case ScaleType::float32: return "F32";
    case ScaleType::float16: return "F16";
    case ScaleType::bfloat16: return "BF16";
  }
  return "F32";
}

/// Codes and scales as they are kept, in the order in which write_tensor appends them.
std::vector<TensorDeclaration> declarations(const QuantizedTensor& tensor) {
  const WeightFormat& format = tensor.format;
  const bool affine = format.levels == Levels::affine;
  std::vector<TensorDeclaration> list;
  list.push_back({"codes", code_dtype(format.code_type), {tensor.rows, tensor.columns}, tensor.codes.size()});
  if (affine || format.code_type == CodeType::packed4)
    list.back().shape = {static_cast<std::int64_t>(tensor.codes.size())};
  const auto add = [&](const char* name, std::string_view dtype, const TaggedBuffer& part, std::int64_t value_bytes) {
    const auto bytes = static_cast<std::int64_t>(part.size());
    if (bytes > 0) list.push_back({name, dtype, {bytes / value_bytes}, part.size()});
  };
  const bool scaled = affine || format.code_type == CodeType::float8_e4m3;
  add(scaled ? "scales" : "absmax", scale_dtype(format), tensor.scales, scale_bytes(format));
  if (format.nested_scales) {
    const std::uint64_t bytes = tensor.nested_absmax.size() - sizeof(float);
    list.push_back({"nested_absmax", "F32", {static_cast<std::int64_t>(bytes / sizeof(float))}, bytes});
    list.push_back({"nested_offset", "F32", {1}, sizeof(float)});
  }
  const bool packed_zeros = format.zero_point == ZeroPoint::integer;
  add("zeros", packed_zeros ? "U8" : scale_dtype(format), tensor.zeros, packed_zeros ? 1 : scale_bytes(format));
  add("group_index", "I32", tensor.group_index, 4);
  list.push_back({"decoded",
                  "F32",
                  {tensor.rows, tensor.columns},
                  static_cast<std::uint64_t>(tensor.rows * tensor.columns) * sizeof(float)});
  return list;
}

Result<void> append_decoded(SafetensorsWriter& writer, Backend& backend, const Weight& weight) {
  constexpr std::int64_t tile_values = 1 << 20;
  const std::int64_t tile = std::max<std::int64_t>(1, tile_values / weight.columns);
  std::vector<float> values;
  for (std::int64_t row = 0; row < weight.rows; row += tile) {
    const std::int64_t rows = std::min(tile, weight.rows - row);
    values.resize(static_cast<std::size_t>(rows * weight.columns));
    if (auto done = backend.decode(weight, row, rows, values); !done) return done;
    if (auto done = writer.append_values(std::span<const float>(values)); !done) return done;
  }
  return {};
}

Result<void> write_tensor(const std::string& out, Backend& backend, const Weight& weight) {
  auto tensor = backend.download(weight);
  if (!tensor) return tl::unexpected(tensor.error());
  auto writer = SafetensorsWriter::create(out, declarations(*tensor));
  if (!writer) return tl::unexpected(writer.error());
  for (const TaggedBuffer* buffer :
       {&tensor->codes, &tensor->scales, &tensor->nested_absmax, &tensor->zeros, &tensor->group_index})
    if (auto done = writer->append({buffer->data(), buffer->size()}); !done) return done;
  if (auto done = append_decoded(*writer, backend, weight); !done) return done;
  return writer->finish();
}

/// What the settings make of this tensor; one outside the model is treated as a linear in scope.
Result<PlannedWeight> plan_for(const Settings& settings, const Checkpoint& checkpoint, const TensorInfo& tensor) {
  auto resolved = resolve_or_explain(settings, checkpoint, device_of(settings, checkpoint, 1), 1);
  if (!resolved) return tl::unexpected(resolved.error());
  for (const PlannedWeight& weight : resolved->plan.weights)
    if (weight.slot.name == tensor.name) return weight;
  PlannedWeight weight;
  weight.as_stored = settings.method == Method::as_stored && tensor.quantized.has_value();
  weight.format = settings.method == Method::as_stored ? stored_format(tensor) : requested_format(resolved->settings);
  return weight;
}

int tensor(const Session& session, const TensorOptions& options) {
  auto settings = options.settings.applied_to(options.configuration);
  if (!settings) return report_error(session, settings.error());
  auto checkpoint = open_model(options.model);
  if (!checkpoint) return report_error(session, checkpoint.error());
  const TensorInfo* info = (*checkpoint)->find(options.name);
  if (info == nullptr)
    return report_error(
        session, {ErrorCode::not_found, fmt::format("{} has no tensor {}.", options.model, options.name), {}, {}});
  auto plan = plan_for(*settings, **checkpoint, *info);
  if (!plan) return report_error(session, plan.error());
  auto backend = open_device(*settings);
  if (!backend) return report_error(session, backend.error());
  (*backend)->set_stop_token(session.stop);
  auto weight = load_weight(**checkpoint, *info, plan->format, plan->as_stored, MemoryTag::codes, **backend);
  if (!weight) return report_error(session, weight.error());
  auto error = quantization_error(**checkpoint, *info, **backend, **weight);
  if (!error) return report_error(session, error.error());
  if (auto written = write_tensor(options.out, **backend, **weight); !written)
    return report_error(session, written.error());
  const json value = {{"tensor", options.name},
                      {"format", format_label(plan->format)},
                      {"file", options.out},
                      {"relative_error", error->relative_error},
                      {"sqnr_db", error->sqnr_db},
                      {"cosine", error->cosine},
                      {"max_absolute", error->max_absolute},
                      {"mean_absolute", error->mean_absolute}};
  if (session.json)
    print_json(value);
  else
    fmt::print("{} in {}: relative error {:.6f}, SQNR {:.2f} dB, cosine {:.8f}; written to {}.\n", options.name,
               format_label(plan->format), error->relative_error, error->sqnr_db, error->cosine, options.out);
  return ExitCode::done;
}

}  // namespace

void add_tensor(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<TensorOptions>();
  CLI::App* command = app.add_subcommand("tensor", "Quantize one tensor and write codes, scales and decoded values");
  command->add_option("model", options->model, "Checkpoint, .safetensors file, or default")->required();
  command->add_option("configuration", options->configuration, "nf4, int4:block=128, ...")->required();
  command->add_option("name", options->name, "model.layers.0.self_attn.q_proj.weight, ...")->required();
  options->settings.add_to(*command, false);
  command->add_option("--out", options->out, "safetensors file")->required();
  command->footer(R"(JSON: {"tensor": "...", "relative_error": 0.09, "sqnr_db": 20.9, "cosine": 0.996})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return tensor(session, *options); }; });
}

}  // namespace quantscope::cli
