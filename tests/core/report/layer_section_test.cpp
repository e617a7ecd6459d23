// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/layer_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "core/report/report.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

SensitivityRow row_named(const std::string& name, double relative_error) {
  SensitivityRow row;
  row.name = name;
  row.format = "NF4 block 64";
  row.values = 1024;
  row.error.relative_error = relative_error;
  row.error.sqnr_db = 20;
  return row;
}

SensitivityRow row_with(const std::string& name, double divergence) {
  SensitivityRow row = row_named(name, 0.09);
  row.figures.emplace();
  row.figures->divergence = {divergence, divergence / 10, 510};
  return row;
}

SensitivityMeasurement measurement_of(std::vector<SensitivityRow> rows) {
  SensitivityMeasurement measurement;
  measurement.configuration = "nf4";
  measurement.base = "fp32";
  measurement.protocol = "ppl-llama.cpp-512";
  measurement.text_name = "text.txt";
  measurement.last_chunk = 2;
  measurement.rows = std::move(rows);
  return measurement;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(LayerSection, ShowsEachRowAndWhatItDoesNotSay) {
  const std::string html =
      layer_section(measurement_of({row_with("a", 0.25), row_with("b", 0.125), row_named("c", 1)}));
  EXPECT_EQ(count(html, "<tr>"), 4U);
  EXPECT_EQ(count(html, "<rect"), 3U);
  EXPECT_THAT(html,
              AllOf(HasSubstr("0.250000 ± 0.025000"), HasSubstr("not measured"), HasSubstr("windows 0 to 1"),
                    HasSubstr("Effects of parts do not add up"), HasSubstr("1 of 3 rows have not been measured")));
}

TEST(LayerSection, OfErrorsAloneNamesNoDivergence) {
  SensitivityRow exact = row_named("exact", 0);
  exact.error.sqnr_db = std::numeric_limits<double>::infinity();
  const std::string html = layer_section(measurement_of({row_named("a", 0.0901), exact}));
  EXPECT_THAT(html, AllOf(HasSubstr("9.01 %"), HasSubstr("no model was run"), HasSubstr("<td>inf</td>"),
                          HasSubstr("not what the predictions lose"), Not(HasSubstr("KL"))));
}

TEST(LayerSection, HoldsNoMarkupFromFiles) {
  SensitivityMeasurement measurement = measurement_of({row_with("<script>", 1)});
  measurement.configuration = measurement.base = measurement.text_name = measurement.protocol = "<b>";
  const std::string html = layer_section(measurement);
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<b>")), HasSubstr("&lt;script&gt;")));
}

TEST(LayerSection, DrawsTheFirstRowsAndListsAll) {
  std::vector<SensitivityRow> rows;
  for (int i = 0; i < 50; ++i) rows.push_back(row_with("row" + std::to_string(i), 1.0 / (i + 1)));
  const std::string html = layer_section(measurement_of(rows));
  EXPECT_EQ(count(html, "<rect"), 40U);
  EXPECT_EQ(count(html, "<tr>"), 51U);
  EXPECT_THAT(html, HasSubstr("first 40 of 50 rows"));
}

TEST(Report, HasLayersInTheTableAndOnThePageInTheSameOrder) {
  const testing::TemporaryFolder folder;
  const auto no_charts = [](const auto&, auto) -> Result<DrawnCharts> { return DrawnCharts(); };
  const auto text_of = [&](const char* name) {
    std::ifstream file(folder.path() / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  ASSERT_TRUE(write_report(folder.path(), {{}, nullptr, {}}, no_charts));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "layers.csv"));
  EXPECT_THAT(text_of("report.html"), Not(HasSubstr("Sensitivity")));
  ASSERT_TRUE(write_report(folder.path(), {{}, nullptr, {measurement_of({row_with("small", 1), row_with("large", 2)})}},
                           no_charts));
  const std::string csv = text_of("layers.csv"), html = text_of("report.html");
  EXPECT_LT(csv.find("large"), csv.find("small"));
  EXPECT_LT(html.find("<td>large</td>"), html.find("<td>small</td>"));
}

}  // namespace
}  // namespace quantscope
