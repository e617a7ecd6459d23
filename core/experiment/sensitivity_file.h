// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/experiment/sensitivity.h"

namespace quantscope {

/// Finished rows of one sensitivity measurement as JSON lines: the first line says what is measured, each other line is
/// a row. Every row is on the disk when write() returns, so that a measurement goes on where it was stopped or killed.
class SensitivityFile {
 public:
  /// Opens or creates the file and fills in the figures of the rows that it holds. A file with another `key`
  /// (sensitivity_key()) is refused. A last line that was cut off is dropped.
  static Result<SensitivityFile> open(const std::filesystem::path& path, const std::string& key,
                                      std::vector<SensitivityRow>& rows);

  Result<void> write(const SensitivityRow& row);
  /// Rows that were there already.
  std::int64_t found() const { return found_; }

 private:
  SensitivityFile() = default;

  std::filesystem::path path_;
  std::ofstream file_;
  std::int64_t found_ = 0;
};

/// A JSON array of the rows, full precision.
std::string to_json(std::span<const SensitivityRow> rows);

}  // namespace quantscope
