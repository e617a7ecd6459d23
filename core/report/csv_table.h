// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quantscope {

/// Builds CSV text (RFC 4180 with LF line ends): dot decimals, shortest digits that read back to the same number,
/// empty cells for what was not measured.
class CsvTable {
 public:
  explicit CsvTable(const std::vector<std::string_view>& header);

  CsvTable& text(std::string_view value);
  CsvTable& number(double value);  ///< NaN becomes an empty cell
  CsvTable& integer(std::int64_t value);
  CsvTable& empty(int cells = 1);
  void end_row();

  const std::string& str() const { return text_; }

 private:
  void separate();

  std::string text_;
  bool row_started_ = false;
};

}  // namespace quantscope
