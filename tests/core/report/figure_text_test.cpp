// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/figure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/report/html_page.h"
#include "core/report/sentences.h"
#include "tests/support/answered_run.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;

TEST(FigureText, WritesAShareInPercentWithItsError) {
  EXPECT_EQ(percent_text(MeanEstimate{0.64184, 0.058, 50}), "64.18 ± 5.80");
  EXPECT_EQ(percent_text(MeanEstimate{0.5, 0, 1}), "50.00") << "one item has no error";
  EXPECT_EQ(percent_text(ValueWithError{0.5, 0}), "50.00 ± 0.00");
  EXPECT_EQ(percent_text(0.99996), "100.00");
}

TEST(FigureText, HasDigitsForEachKindOfFigure) {
  PerplexityResult perplexity;
  perplexity.perplexity = 23.58125;
  perplexity.perplexity_error = 0.41304;
  EXPECT_EQ(perplexity_text(perplexity), "23.5813 ± 0.4130");
  EXPECT_EQ(divergence_text({0.0610021, 0.0011304, 500}), "0.061002 ± 0.001130");
  EXPECT_EQ(log_ratio_text(MeanEstimate{0.005, 0.01357, 500}), "+0.00500 ± 0.01357");
  EXPECT_EQ(rate_text(Spread{12.34, 11.86, 12.8}), "12.3 (11.9 to 12.8)");
  EXPECT_EQ(divergence_text(0.000569708), "0.000570") << "small is not nothing";
  EXPECT_EQ(mebibytes_text(3 * 1024 * 512), "1.50");
  EXPECT_EQ(bits_per_weight_text(4.12749), "4.127");
  EXPECT_EQ(rate_text(12.34), "12.3");
  EXPECT_EQ(seconds_text(Spread{0.5119, 0.5, 0.53}), "0.512 (0.500 to 0.530)");
  EXPECT_EQ(p_text(0.01191), "0.0119");
}

TEST(FigureText, WritesDifferencesWithSignAndInterval) {
  PairRow row;
  PairedComparison& pair = row.comparison.emplace();
  pair.difference = -0.012;
  pair.low = -0.03;
  pair.high = 0.00604;
  EXPECT_EQ(difference_text(row), "F1 -1.20 [-3.00, +0.60] points");
  row.figure = PairFigure::perplexity;
  pair.error = 0.009;
  EXPECT_EQ(difference_text(row), "ln(PPL / base PPL) -0.01200 ± 0.00900 [-0.03000, +0.00604]");
}

/// The report writes figures in no other way.
TEST(FigureText, IsWhatTheReportSays) {
  const std::vector<RunResult> runs = {testing::answered_run("fp16", 33, 50), testing::answered_run("nf4", 31, 50)};
  const std::string html = report_html({runs, nullptr, {}}, "/nowhere", {});
  for (const RunResult& run : runs) EXPECT_THAT(html, HasSubstr(percent_text(run.qa->f1(Scorer::lm_eval))));
  const PairRow pair = pair_rows(runs).at(0);
  EXPECT_THAT(pair_sentence(pair), HasSubstr(difference_text(pair)));
}

}  // namespace
}  // namespace quantscope
