// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/report.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "core/report/atomic_file.h"
#include "core/report/run_json.h"
#include "core/report/tables.h"

namespace quantscope {

Result<void> write_report(const std::filesystem::path& folder, std::span<const RunResult> runs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ErrorCode::io, fmt::format("Cannot create the folder {} ({}).", folder.string(), error.message()),
                folder.string());
  const std::array<std::pair<std::string_view, std::string>, 8> files = {{
      {"runs.csv", runs_csv(runs)},
      {"questions.csv", questions_csv(runs)},
      {"memory.csv", memory_csv(runs)},
      {"tensors.csv", tensors_csv(runs)},
      {"pairs.csv", pairs_csv(runs)},
      {"chunks.csv", chunks_csv(runs)},
      {"speed.csv", speed_csv(runs)},
      {"run.json", runs_json(runs)},
  }};
  for (const auto& [name, text] : files)
    if (auto written = write_file_atomically(folder / name, text); !written) return written;
  return {};
}

}  // namespace quantscope
