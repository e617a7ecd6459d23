// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "app/cli/settings_options.h"
#include "core/experiment/gpu_memory.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

constexpr std::int64_t default_context = 2048;  // tokens of each sequence

struct ForecastOptions {
  std::string model, gpu;
  std::vector<std::string> configurations;
  SettingsOptions settings;
  std::int64_t batch = 1;
};

json forecast_json(const std::string& configuration, const Resolved& resolved, std::int64_t available) {
  json value = {{"configuration", configuration}};
  for (std::size_t i = 0; i < memory_tag_count; ++i)
    value[std::string(memory_tag_name(static_cast<MemoryTag>(i)))] = resolved.forecast.bytes[i];
  value["weights"] = resolved.forecast.weights();
  value["total"] = resolved.forecast.total();
  value["as_commonly_reported"] = resolved.as_commonly_reported;
  value["bits_per_quantized_weight"] = resolved.bits_per_quantized_weight;
  value["bits_per_weight"] = resolved.bits_per_weight;
  value["available"] = available;
  value["fits"] = resolved.forecast.total() <= available;
  value["summary"] = resolved.summary;
  value["reasons"] = resolved.reasons;
  return value;
}

void print_text(const json& list) {
  const std::array<const char*, 11> rows = {"codes",   "scales",   "embedding", "head",    "norms", "unquantized",
                                            "padding", "kv_cache", "workspace", "weights", "total"};
  std::vector<std::vector<std::string>> table = {{""}};
  for (const json& item : list) table[0].push_back(item["configuration"]);
  for (const char* row : rows) {
    table.push_back({row});
    for (const json& item : list) table.back().push_back(mebibytes(item[row]));
  }
  table.push_back({"as commonly reported"});
  for (const json& item : list) table.back().push_back(mebibytes(item["as_commonly_reported"]));
  table.push_back({"fits"});
  for (const json& item : list) table.back().push_back(item["fits"].get<bool>() ? "yes" : "no");
  print_table(table);
  for (const json& item : list)
    fmt::print("{}: {}\n", item["configuration"].get<std::string>(), item["summary"].get<std::string>());
}

int forecast(const Session& session, const ForecastOptions& options) {
  auto checkpoint = open_model(options.model);
  if (!checkpoint) return report_error(session, checkpoint.error());
  std::vector<std::string> names = options.configurations;
  if (names.empty())
    for (const ConfigurationName& entry : configuration_names())
      if (entry.in_compare_all) names.emplace_back(entry.name);
  json list = json::array();
  for (const std::string& name : names) {
    auto settings = options.settings.applied_to(name);
    if (!settings) return report_error(session, settings.error());
    const std::int64_t context = settings->context > 0 ? settings->context : default_context;
    const DeviceDescription device = device_of(*settings, **checkpoint, context * options.batch);
    auto resolved = resolve_or_explain(*settings, **checkpoint, device, context * options.batch);
    if (!resolved) return report_error(session, resolved.error());
    std::int64_t available = device.memory_free;
    if (!options.gpu.empty()) {
      auto gpu = find_gpu(options.gpu);
      if (!gpu) return report_error(session, gpu.error());
      available = gpu->memory_bytes;
    }
    list.push_back(forecast_json(name, *resolved, available));
    list.back()["context"] = context;
  }
  if (session.json)
    print_json({{"model", options.model}, {"batch", options.batch}, {"forecasts", list}});
  else
    print_text(list);
  return ExitCode::done;
}

}  // namespace

void add_forecast(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<ForecastOptions>();
  CLI::App* command = app.add_subcommand("forecast", "Memory of configurations before anything is loaded");
  command->add_option("model", options->model, "Checkpoint, config.json, or default")->required();
  command->add_option("configurations", options->configurations,
                      "nf4, nf4-dq:block=128, ... (default: those of Compare all)");
  options->settings.add_to(*command, false);
  command->add_option("--batch", options->batch, "Sequences at once")->check(CLI::Range(1, 1 << 16));
  command->add_option("--gpu", options->gpu,
                      "Compare with this GPU's memory instead of what is free here: " + gpu_names());
  command->footer(
      R"(JSON: {"forecasts": [{"configuration": "nf4", "codes": ..., "weights": ..., "fits": true}]}, bytes)");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return forecast(session, *options); }; });
}

}  // namespace quantscope::cli
