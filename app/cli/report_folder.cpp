// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/report_folder.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/report/weights_figure.h"

namespace quantscope::cli {
namespace {
namespace fs = std::filesystem;

/// Charts are drawn on Qt's offscreen platform; whether they were.
bool render_charts(const fs::path& folder) {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path() / "quantscope";
  if (!fs::exists(program, ignored)) {
    fmt::print(stderr, "Charts are left out: the window program {} is not there.\n", program.string());
    return false;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::setenv("QT_QPA_PLATFORM", "offscreen", 1);
    ::execl(program.c_str(), program.c_str(), "--render-report", folder.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  const bool drawn =
      child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!drawn) fmt::print(stderr, "Charts are left out: {} --render-report failed.\n", program.string());
  return drawn;
}

}  // namespace

Result<void> write_report_folder(const fs::path& folder, ReportContent content) {
  return write_report(folder, std::move(content),
                      [](const fs::path& into, std::span<const RunResult> runs) -> Result<DrawnCharts> {
                        const auto weights = weights_figure(runs, ResourcePaths::locate());
                        return DrawnCharts{render_charts(into), weights ? weights->caption : weights.error().message};
                      });
}

}  // namespace quantscope::cli
