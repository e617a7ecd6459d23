// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/report_folder.h"
#include "app/cli/workspace_file.h"

namespace quantscope::cli {
namespace {

struct ReportOptions {
  std::string workspace, folder, baseline, preset;
};

int report(const Session& session, const ReportOptions& options) {
  auto content = content_of_workspace(options.workspace, options.baseline);
  if (!content) return report_error(session, content.error());
  std::optional<Preset> preset;
  if (!options.preset.empty()) {
    auto read = read_preset(ResourcePaths::locate(), options.preset);
    if (!read) return report_error(session, read.error());
    preset = std::move(*read);
  }
  auto written = write_report_folder(options.folder,
                                     {content->runs, preset ? &*preset : nullptr, std::move(content->sensitivities)});
  if (!written) return report_error(session, written.error());
  const std::string folder = std::filesystem::absolute(options.folder).string();
  if (session.json)
    print_json({{"report", folder}, {"runs", content->runs.size()}});
  else
    fmt::print("Report of {} runs: {}\n", content->runs.size(), folder);
  return ExitCode::done;
}

}  // namespace

void add_report(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand("report", "Write the report of a workspace");
  command->add_option("workspace", options->workspace, "File (.quantscope)")->required();
  command->add_option("folder", options->folder, "Folder for CSV tables, run.json, charts and report.html")->required();
  command->add_option("--baseline", options->baseline, "Configuration that the others are paired with (the first)");
  command->add_option("--preset", options->preset, "Set published figures beside the runs: source-study");
  command->footer(R"(JSON: {"report": "/path/to/folder", "runs": 7})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return report(session, *options); }; });
}

}  // namespace quantscope::cli
