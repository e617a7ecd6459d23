// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/csv_table.h"

#include <fmt/format.h>

#include <cmath>

namespace quantscope {

CsvTable::CsvTable(const std::vector<std::string_view>& header) {
  for (const std::string_view column : header) text(column);
  end_row();
}

void CsvTable::separate() {
  if (row_started_) text_ += ',';
  row_started_ = true;
}

CsvTable& CsvTable::text(std::string_view value) {
  separate();
  if (value.find_first_of(",\"\n\r") == std::string_view::npos) {
    text_ += value;
    return *this;
  }
  text_ += '"';
  for (const char c : value) {
    if (c == '"') text_ += '"';
    text_ += c;
  }
  text_ += '"';
  return *this;
}

CsvTable& CsvTable::number(double value) {
  separate();
  if (!std::isnan(value)) text_ += fmt::format("{}", value);
  return *this;
}

CsvTable& CsvTable::integer(std::int64_t value) {
  separate();
  text_ += std::to_string(value);
  return *this;
}

CsvTable& CsvTable::empty(int cells) {
  for (int i = 0; i < cells; ++i) separate();
  return *this;
}

void CsvTable::end_row() {
  text_ += '\n';
  row_started_ = false;
}

}  // namespace quantscope
