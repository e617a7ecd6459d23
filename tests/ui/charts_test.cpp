// SPDX-License-Identifier: GPL-3.0-or-later
#include <QImage>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>

#include "ui/charts/chart_view.h"
#include "ui/charts/histogram.h"
#include "ui/charts/result_charts.h"
#include "ui/charts/weight_charts.h"
#include "ui/models/result_rows.h"
#include "ui/models/run_cells.h"
#include "ui/models/runs_model.h"

using namespace quantscope;
using namespace quantscope::ui;

namespace {

std::uint16_t bf16_pattern(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}

ValueHistogram histogram_of(std::initializer_list<std::pair<float, std::uint64_t>> values) {
  ValueHistogram histogram;
  histogram.counts.resize(65536);
  for (const auto& [value, count] : values) histogram.counts[bf16_pattern(value)] += count;
  return histogram;
}

ChartData two_lines() {
  ChartData chart;
  chart.name = QStringLiteral("lines");
  chart.summary = QStringLiteral("Two lines.");
  chart.x.title = QStringLiteral("Weight");
  chart.y.title = QStringLiteral("Count, total");
  for (const char* name : {"first", "second"}) {
    ChartSeries series;
    series.name = QString::fromLatin1(name);
    series.x = {0, 1, 2};
    series.y = {1, 3, 2};
    series.color = Qt::blue;
    chart.series.push_back(series);
  }
  return chart;
}

}  // namespace

class ChartsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void rebinning_counts_every_value_once() {
    const ValueHistogram histogram =
        histogram_of({{-1.0F, 2}, {-0.25F, 3}, {0.0F, 5}, {-0.0F, 1}, {0.5F, 7}, {1.0F, 11}});
    for (const int bins : {1, 2, 3, 16, 999}) {
      const BinnedCounts binned = rebin(histogram, -1, 1, bins);
      QCOMPARE(binned.total, 29.0);
      QCOMPARE(std::accumulate(binned.count.begin(), binned.count.end() - 1, 0.0), 29.0);
      QCOMPARE(binned.left.size(), bins + 1);
    }
  }

  void zooming_counts_only_what_is_inside() {
    const ValueHistogram histogram = histogram_of({{-1.0F, 2}, {0.0F, 5}, {0.5F, 7}, {1.0F, 11}});
    const BinnedCounts binned = rebin(histogram, 0.25, 1.0, 3);
    QCOMPARE(binned.count[0], 0.0);
    QCOMPARE(binned.count[1], 7.0);
    QCOMPARE(binned.count[2], 11.0);
    QVERIFY(rebin(histogram, 1, 1, 4).left.isEmpty());
  }

  void values_that_are_not_finite_are_left_out() {
    const ValueHistogram histogram = histogram_of({{INFINITY, 4}, {std::nanf(""), 2}, {1.0F, 1}});
    QCOMPARE(rebin(histogram, -10, 10, 5).total, 1.0);
  }

  void half_patterns_decode() {
    QCOMPARE(bin_value(HistogramBins::float16, 0x3C00), 1.0F);
    QCOMPARE(bin_value(HistogramBins::float16, 0xC000), -2.0F);
    QCOMPARE(bin_value(HistogramBins::bfloat16, 0x3F80), 1.0F);
  }

  void level_tables_have_a_threshold_between_neighbours() {
    for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4, DataType::int8}) {
      const LevelTable table = level_table(type);
      QCOMPARE(table.thresholds.size() + 1, table.levels.size());
      for (std::size_t i = 0; i < table.thresholds.size(); ++i)
        QVERIFY(table.levels[i] < table.thresholds[i] && table.thresholds[i] < table.levels[i + 1]);
    }
    QVERIFY(level_table(DataType::fp16).levels.empty());
  }

  void expected_error_agrees_with_drawn_blocks_data() {
    QTest::addColumn<int>("type");
    for (const DataType type : {DataType::nf4, DataType::fp4, DataType::int4})
      QTest::newRow(data_type_info(type).name.data()) << static_cast<int>(type);
  }
  void expected_error_agrees_with_drawn_blocks() {
    QFETCH(int, type);
    const LevelTable table = level_table(static_cast<DataType>(type));
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    constexpr int block = 64, blocks = 4000;
    double squares = 0;
    for (int b = 0; b < blocks; ++b) {
      std::vector<double> x(block);
      for (double& value : x) value = normal(random);
      const double absmax =
          std::abs(*std::max_element(x.begin(), x.end(), [](double l, double r) { return std::abs(l) < std::abs(r); }));
      for (const double value : x) {
        const auto code = std::lower_bound(table.thresholds.begin(), table.thresholds.end(), value / absmax) -
                          table.thresholds.begin();
        const double off = value - absmax * table.levels[static_cast<std::size_t>(code)];
        squares += off * off;
      }
    }
    const double drawn = std::sqrt(squares / (block * blocks)), expected = expected_relative_error(table, block);
    QVERIFY2(std::abs(drawn - expected) < 0.006 * expected,
             qPrintable(QStringLiteral("%1 against %2").arg(drawn).arg(expected)));
  }

  void imported_runs_have_the_name_of_their_file_and_no_memory() {
    RunResult result;
    result.provenance.imported_from = "answers.jsonl";
    result.qa.emplace();
    result.qa->answers.emplace_back();
    const RunEntry imported = row_of(result);
    const ChartData chart = accuracy_chart({&imported}, Scorer::lm_eval);
    QCOMPARE(chart.y.labels.size(), std::size_t(1));
    QCOMPARE(chart.y.labels.front().second, QStringLiteral("answers.jsonl"));
    QVERIFY(chart.series.front().color != type_color(DataType::fp32));
    QVERIFY(memory_chart({&imported}).empty());
    QCOMPARE(run_cell_text(imported, nullptr, Scorer::lm_eval, RunsModel::configuration),
             QStringLiteral("answers.jsonl"));
    for (const int column : {RunsModel::weights, RunsModel::reported, RunsModel::bits}) {
      QCOMPARE(run_cell_text(imported, nullptr, Scorer::lm_eval, column), QStringLiteral("–"));
      QVERIFY(!run_cell_value(imported, Scorer::lm_eval, column).isValid());
    }
  }

  void the_memory_legend_says_which_bars_are_measured() {
    RunResult result;
    result.request.settings = *parse_configuration("nf4");
    result.resolved.settings = result.request.settings;
    result.resolved.forecast[MemoryTag::codes] = result.measured[MemoryTag::codes] = 1 << 20;
    const RunEntry run = row_of(result);
    QStringList legend;
    for (const ChartSeries& series : memory_chart({&run}).series)
      if (series.in_legend) legend << series.name;
    QVERIFY(legend.contains(QStringLiteral("solid: measured")));
    QVERIFY(legend.contains(QStringLiteral("pale: forecast")));
  }

  void pictures_can_be_read_back() {
    QTemporaryDir folder;
    const QString path = folder.filePath(QStringLiteral("chart.png"));
    QVERIFY(write_chart_png(levels_chart(), path));
    const QImage image(path);
    QCOMPARE(image.size(), QSize(2000, 1120));
    QVERIFY(image.pixelColor(3, 3).lightness() > 200);  // paper colours whatever the theme
    QVERIFY(!write_chart_png(levels_chart(), folder.filePath(QStringLiteral("missing/chart.png"))));
  }

  void data_export_names_series_and_axes() {
    const QStringList lines = chart_csv(two_lines()).split(u'\n');
    QCOMPARE(lines[0], QStringLiteral("series,Weight,\"Count, total\",error"));
    QCOMPARE(lines[2], QStringLiteral("first,1,3,"));
    QCOMPARE(lines.size(), 8);
  }

  void hidden_series_stay_hidden_and_zoom_stays() {
    ChartView view;
    view.set_chart(two_lines());
    view.set_series_visible(QStringLiteral("second"), false);
    view.set_x_range(0.5, 1.5);
    view.set_chart(two_lines(), true);
    QVERIFY(!view.is_series_visible(QStringLiteral("second")));
    QCOMPARE(view.x_range(), std::pair(0.5, 1.5));
    QSignalSpy zoomed(&view, &ChartView::x_range_changed);
    view.reset_view();
    QCOMPARE(zoomed.count(), 1);
    QVERIFY(view.x_range().first <= 0 && view.x_range().second >= 2);
    QCOMPARE(view.accessibleDescription(), QStringLiteral("Two lines."));
  }
};

QTEST_MAIN(ChartsTest)
#include "charts_test.moc"
