// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "core/quantize/compare_checkpoints.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct VerifyOptions {
  std::string file, source;
  double largest_relative_error = 0.25;
};

json tensor_json(const TensorComparison& tensor) {
  return {{"name", tensor.name},
          {"stored", tensor.stored},
          {"relative_error", tensor.error.relative_error},
          {"max_error", tensor.error.max_absolute},
          {"bit_equal", tensor.bit_equal},
          {"holds", tensor.holds},
          {"why_not", tensor.why_not}};
}

void print_tensors(const std::vector<TensorComparison>& tensors) {
  std::vector<std::vector<std::string>> rows = {{"tensor", "stored", "relative error", "max error", "bits"}};
  for (const TensorComparison& tensor : tensors)
    rows.push_back({tensor.name, tensor.stored, fmt::format("{:.6g}", tensor.error.relative_error),
                    fmt::format("{:.6g}", tensor.error.max_absolute), tensor.bit_equal ? "equal" : "differ"});
  print_table(rows);
}

int verify(const Session& session, const VerifyOptions& options) {
  auto file = open_model(options.file);
  if (!file) return report_error(session, file.error());
  auto source = open_model(options.source);
  if (!source) return report_error(session, source.error());
  auto tensors =
      compare_checkpoints(**file, **source, options.largest_relative_error, console_progress(), session.stop);
  if (!tensors) return report_error(session, tensors.error());
  const bool all_hold = !tensors->empty() && std::ranges::all_of(*tensors, &TensorComparison::holds);
  if (session.json) {
    json list = json::array();
    for (const TensorComparison& tensor : *tensors) list.push_back(tensor_json(tensor));
    print_json({{"holds", all_hold}, {"tensors", list}});
  } else {
    print_tensors(*tensors);
    for (const TensorComparison& tensor : *tensors)
      if (!tensor.holds) fmt::print("{} does not hold: {}.\n", tensor.name, tensor.why_not);
    fmt::print("{}\n", all_hold ? "Everything holds." : "Not everything holds.");
  }
  return all_hold ? ExitCode::done : ExitCode::comparison_failed;
}

}  // namespace

void add_verify(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = app.add_subcommand("verify", "Compare a written checkpoint with its source, tensor by tensor");
  command->add_option("file", options->file, "The checkpoint that was written")->required();
  command->add_option("source", options->source, "The checkpoint that it was made from")->required();
  command
      ->add_option("--max-relative-error", options->largest_relative_error,
                   "What a quantized tensor may be off, as a share of its norm; plain tensors must be exact")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer(
      "Exit code 3 when a tensor does not hold.\n"
      R"(JSON: {"holds": true, "tensors": [{"name": "model.norm.weight", "stored": "BF16", "relative_error": 0.0,)"
      "\n"
      R"(       "max_error": 0.0, "bit_equal": true, "holds": true, "why_not": ""}]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return verify(session, *options); }; });
}

}  // namespace quantscope::cli
