// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "core/evaluate/unicode_text.h"
#include "core/input/bounded_file.h"
#include "core/report/figure_text.h"
#include "kernels/clock.h"

namespace quantscope::cli {
namespace {

/// State of the line on standard error.
struct ProgressLine {
  bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::string stage;
  Clock::time_point stage_start;
  Clock::time_point last_print;

  void show(const Progress& progress) {
    const auto now = Clock::now();
    const bool new_stage = progress.stage != stage;
    if (new_stage) {
      stage = progress.stage;
      stage_start = now;
      if (!terminal) fmt::print(stderr, "{} ...\n", stage);
    }
    const bool last = progress.total > 0 && progress.done >= progress.total;
    constexpr auto interval = std::chrono::milliseconds(100);
    if (!terminal || (!new_stage && !last && now - last_print < interval)) return;
    last_print = now;
    fmt::print(stderr, "\r\033[K{}{}", line(progress), last ? "\n" : "");
    std::fflush(stderr);
  }

  std::string line(const Progress& progress) const {
    std::string text = fmt::format("{} {}", progress.stage, progress.done);
    if (progress.total > 0) text += fmt::format("/{}", progress.total);
    const double seconds = seconds_since(stage_start);
    if (progress.done > 0 && seconds > 0.5) {
      const double rate = static_cast<double>(progress.done) / seconds;
      text += fmt::format("  {:.1f}/s", rate);
      if (progress.total > progress.done)
        text += fmt::format("  ETA {:.0f} s", static_cast<double>(progress.total - progress.done) / rate);
    }
    if (!progress.note.empty()) text += "  " + progress.note;
    return text;
  }
};

}  // namespace

ProgressFn console_progress() {
  auto line = std::make_shared<ProgressLine>();
  return [line](const Progress& progress) { line->show(progress); };
}

void print_json(const nlohmann::json& document) { fmt::print("{}\n", document.dump(2)); }

void print_table(const std::vector<std::vector<std::string>>& rows) {
  // Columns line up by characters: names of models and the sign before an error have more bytes than those.
  const auto width = [](const std::string& cell) { return to_code_points(cell).size(); };
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("  {:>{}}", row[i], widths[i]);
    fmt::print("{}\n", line);
  }
}

Result<std::string> file_argument(const std::string& path, std::uintmax_t most) {
  if (path == "-") return read_bounded_stream(std::cin, most, "Standard input");
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (!std::filesystem::is_fifo(status) && !std::filesystem::is_character_file(status))
    return read_bounded_file(path, most, "file for this command");
  std::ifstream pipe(path, std::ios::binary);
  if (!pipe) return fail(ErrorCode::io, fmt::format("Cannot open {}.", path), path);
  return read_bounded_stream(pipe, most, path);
}

Result<std::string> text_argument(const std::string& argument) {
  if (argument == "-") return file_argument("-");
  if (argument.starts_with("@")) return file_argument(argument.substr(1));
  return argument;
}

std::string mebibytes(std::int64_t bytes) { return mebibytes_text(bytes) + " MiB"; }

int report_error(const Session& session, const Error& error) {
  if (error.code == ErrorCode::cancelled) {
    fmt::print(stderr, "quantscope-cli: stopped; everything finished so far is kept.\n");
    return ExitCode::stopped;
  }
  fmt::print(stderr, "quantscope-cli: {}\n", error.message);
  if (session.verbose) {
    fmt::print(stderr, "  code: {}\n", error_code_name(error.code));
    if (!error.where.empty()) fmt::print(stderr, "  where: {}\n", error.where);
    if (!error.detail.empty()) fmt::print(stderr, "  detail: {}\n", error.detail);
  }
  return error.code == ErrorCode::invalid_argument ? ExitCode::wrong_usage : ExitCode::failed;
}

}  // namespace quantscope::cli
