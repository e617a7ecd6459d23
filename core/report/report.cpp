// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/report.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "core/report/atomic_file.h"
#include "core/report/html_page.h"
#include "core/report/kl_tables.h"
#include "core/report/layer_table.h"
#include "core/report/published_table.h"
#include "core/report/run_json.h"
#include "core/report/tables.h"

namespace quantscope {
namespace {

/// The files of a report but for charts and report.html. What has no text is not written.
std::vector<std::pair<std::string_view, std::string>> text_files(const ReportContent& content) {
  const auto runs = content.runs;
  return {
      {"runs.csv", runs_csv(runs)},
      {"questions.csv", questions_csv(runs)},
      {"domains.csv", domains_csv(runs)},
      {"memory.csv", memory_csv(runs)},
      {"tensors.csv", tensors_csv(runs)},
      {"pairs.csv", pairs_csv(runs)},
      {"chunks.csv", chunks_csv(runs)},
      {"kl.csv", kl_csv(runs)},
      {"kl_chunks.csv", kl_chunks_csv(runs)},
      {"speed.csv", speed_csv(runs)},
      {"layers.csv", content.sensitivities.empty() ? std::string() : layers_csv(content.sensitivities)},
      {"published.csv", content.preset == nullptr ? std::string() : published_csv(*content.preset, runs)},
      {"run.json", runs_json(runs)},
  };
}

}  // namespace

Result<void> write_report_tables(const std::filesystem::path& folder, const ReportContent& content) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::io, fmt::format("Cannot create the folder {} ({}).", folder.string(), error.message()),
                folder.string());
  for (const auto& [name, text] : text_files(content)) {
    if (text.empty()) continue;
    if (auto written = write_file_atomically(folder / name, text); !written) return written;
  }
  return {};
}

Result<void> write_report(const std::filesystem::path& folder, ReportContent content, const DrawCharts& draw) {
  for (SensitivityMeasurement& measurement : content.sensitivities)
    sort_sensitivity(measurement.rows, SensitivityMeasure::kl, measurement.mode);
  if (auto written = write_report_tables(folder, content); !written) return written;
  const auto charts = draw(folder, content.runs);
  if (!charts) return tl::unexpected(charts.error());
  return write_file_atomically(folder / "report.html", report_html(content, folder, *charts));
}

}  // namespace quantscope
