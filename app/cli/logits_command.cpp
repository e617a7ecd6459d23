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
#include "core/input/bounded_json.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;
using Sequences = std::vector<std::vector<std::int32_t>>;

struct LogitsOptions {
  std::string model, ids, out;
  SettingsOptions settings;
};

Result<Sequences> read_ids(const std::string& path) {
  auto text = file_argument(path);
  if (!text) return tl::unexpected(text.error());
  const auto value = parse_bounded_json(*text, path);
  if (!value) return tl::unexpected(value.error());
  try {
    auto sequences = value->get<Sequences>();
    const bool empty = std::any_of(sequences.begin(), sequences.end(), [](const auto& ids) { return ids.empty(); });
    if (!sequences.empty() && !empty) return sequences;
  } catch (const json::exception&) {  // the same sentence serves for every way to be wrong
  }
  return fail(ErrorCode::invalid_argument, fmt::format("{} is not a JSON list of non-empty lists of token ids.", path),
              path);
}

std::vector<TensorDeclaration> declarations(const Sequences& sequences, std::int64_t vocabulary) {
  std::vector<TensorDeclaration> tensors;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto tokens = static_cast<std::int64_t>(sequences[i].size());
    tensors.push_back({fmt::format("logits.{}", i),
                       "F32",
                       {tokens, vocabulary},
                       static_cast<std::uint64_t>(tokens * vocabulary) * sizeof(float)});
  }
  return tensors;
}

Result<json> write_logits(Engine& engine, const Sequences& sequences, const std::string& out) {
  const auto tensors = declarations(sequences, engine.checkpoint->model().vocabulary);
  auto writer = SafetensorsWriter::create(out, tensors);
  if (!writer) return tl::unexpected(writer.error());
  for (const auto& ids : sequences) {
    auto sequence = engine.decoder->new_sequence();
    const auto sink = [&](std::int64_t, std::int64_t, std::span<const float> values) {
      return writer->append_values(values);
    };
    if (auto done = engine.decoder->append_logits(sequence, ids, sink); !done) return tl::unexpected(done.error());
  }
  if (auto finished = writer->finish(); !finished) return tl::unexpected(finished.error());
  json shapes;
  for (const TensorDeclaration& tensor : tensors) shapes[tensor.name] = tensor.shape;
  return shapes;
}

int logits(const Session& session, const LogitsOptions& options) {
  auto settings = options.settings.settings();
  if (!settings) return report_error(session, settings.error());
  auto sequences = read_ids(options.ids);
  if (!sequences) return report_error(session, sequences.error());
  std::size_t longest = 0;
  for (const auto& ids : *sequences) longest = std::max(longest, ids.size());
  auto engine = start_engine(session, options.model, *settings, static_cast<std::int64_t>(longest));
  if (!engine) return report_error(session, engine.error());
  auto shapes = write_logits(*engine, *sequences, options.out);
  if (!shapes) return report_error(session, shapes.error());
  if (session.json)
    print_json({{"file", options.out}, {"shapes", *shapes}, {"resolved", engine->resolved.summary}});
  else
    fmt::print("Wrote {} tensors to {}.\n", shapes->size(), options.out);
  return ExitCode::done;
}

}  // namespace

void add_logits(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<LogitsOptions>();
  CLI::App* command = app.add_subcommand("logits", "Logits of every position of given token ids");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  options->settings.add_to(*command, true);
  command->add_option("--ids", options->ids, "JSON file with a list of lists of ids (- = standard input)")->required();
  command->add_option("--out", options->out, "safetensors file: fp32 logits.N [tokens, vocabulary]")->required();
  command->footer(R"(JSON: {"file": "l.safetensors", "shapes": {"logits.0": [5, 49152]}})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return logits(session, *options); }; });
}

}  // namespace quantscope::cli
