// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/report_folder.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/report/atomic_file.h"
#include "core/report/html_page.h"
#include "core/report/layer_table.h"
#include "core/report/published_table.h"
#include "core/report/report.h"

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

Result<void> write_report_folder(const fs::path& folder, std::span<const RunResult> runs, const Preset* preset,
                                 std::vector<SensitivityMeasurement> sensitivities) {
  if (auto written = write_report(folder, runs); !written) return written;
  for (SensitivityMeasurement& measurement : sensitivities)
    sort_sensitivity(measurement.rows, SensitivityMeasure::kl, measurement.mode);
  if (!sensitivities.empty())
    if (auto written = write_file_atomically(folder / "layers.csv", layers_csv(sensitivities)); !written)
      return written;
  if (preset != nullptr)
    if (auto written = write_file_atomically(folder / "published.csv", published_csv(*preset, runs)); !written)
      return written;
  return write_html_report(folder, runs, {render_charts(folder), preset});
}

}  // namespace quantscope::cli
