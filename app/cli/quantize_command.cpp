// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "app/cli/checkpoint_writers.h"
#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "core/experiment/devices.h"

namespace quantscope::cli {
namespace {

struct QuantizeOptions {
  std::string model, configuration, format, out;
  WriterOptions writer;
};

std::string format_names() {
  std::string names;
  for (const CheckpointWriter& writer : checkpoint_writers())
    names += fmt::format("{}{}: {}", names.empty() ? "" : "; ", writer.name, writer.description);
  return names;
}

Result<const CheckpointWriter*> find_writer(const std::string& name) {
  const auto found = std::ranges::find(checkpoint_writers(), name, &CheckpointWriter::name);
  if (found != checkpoint_writers().end()) return &*found;
  return fail(ErrorCode::invalid_argument,
              fmt::format("Checkpoints are not written as '{}'; there is {}.", name, format_names()));
}

Result<void> write(const Session& session, const QuantizeOptions& options) {
  const auto writer = find_writer(options.format);
  if (!writer) return tl::unexpected(writer.error());
  auto settings = parse_configuration(options.configuration.empty() ? "as-stored" : options.configuration);
  if (!settings) return tl::unexpected(settings.error());
  const auto checkpoint = open_model(options.model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  Settings on_cpu = *settings;
  on_cpu.device = "cpu";  // encoders of every format are there
  const auto backend = open_device(on_cpu);
  if (!backend) return tl::unexpected(backend.error());
  (*backend)->set_stop_token(session.stop);
  const ProgressFn progress = session.json ? ProgressFn() : console_progress();
  return (*writer)->write({**checkpoint, *settings, !options.configuration.empty(), options.writer, **backend,
                           options.out, progress, session.stop});
}

/// Of a file, or of all files in a folder.
std::uintmax_t size_of(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return std::filesystem::file_size(path, ignored);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) bytes += entry.file_size(ignored);
  return bytes;
}

int quantize(const Session& session, const QuantizeOptions& options) {
  if (auto written = write(session, options); !written) return report_error(session, written.error());
  const std::uintmax_t bytes = size_of(options.out);
  if (session.json)
    print_json({{"file", options.out}, {"format", options.format}, {"bytes", bytes}});
  else
    fmt::print("Written to {}, {}.\n", options.out, mebibytes(static_cast<std::int64_t>(bytes)));
  return ExitCode::done;
}

}  // namespace

void add_quantize(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* command = app.add_subcommand("quantize", "Write a model in another type or checkpoint layout");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  command->add_option("configuration", options->configuration, "nf4, int4:block=128, ...; default: as-stored");
  command->add_option("--format", options->format, "Layout: " + format_names())->required();
  command->add_option("--out", options->out, "File or folder to write")->required();
  const std::string group = "GGUF";
  command
      ->add_option("--gguf-type", options->writer.gguf_type,
                   "Type of the linear weights: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl, q4_k or q6_k")
      ->group(group);
  command
      ->add_option("--gguf-embedding-type", options->writer.gguf_embedding_type,
                   "Type of embedding and head (default: that of the linears, but at least q8_0)")
      ->group(group);
  command->footer(
      "Example: quantscope-cli quantize default --format gguf --gguf-type q4_k --out small.gguf\n"
      R"(JSON: {"file": "small.gguf", "format": "gguf", "bytes": 123456789})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return quantize(session, *options); }; });
}

}  // namespace quantscope::cli
