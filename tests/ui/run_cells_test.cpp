// SPDX-License-Identifier: GPL-3.0-or-later
#include <QTest>

#include "core/report/html_page.h"
#include "tests/support/answered_run.h"
#include "ui/charts/result_charts.h"
#include "ui/models/format.h"
#include "ui/models/result_rows.h"
#include "ui/models/run_cells.h"
#include "ui/models/run_style.h"
#include "ui/models/runs_model.h"

using namespace quantscope;
using namespace quantscope::ui;
using quantscope::testing::answered_run;

namespace {

/// A result with every figure that the table has.
RunResult whole_run(const char* configuration, int right, int total) {
  RunResult run = answered_run(configuration, right, total);
  run.measured[MemoryTag::codes] = 116'463'424;
  run.resolved.as_commonly_reported = 109'785'088;
  run.resolved.bits_per_weight = 6.92734;
  PerplexityOutcome& text = run.perplexity.emplace();
  text.text_name = "wiki.test.raw (without its byte order mark)";
  text.task.protocol = "ppl-llama.cpp-512";
  text.result.perplexity = 23.581234;
  text.result.perplexity_error = 0.410192;
  text.result.scored = 1024;
  for (const int index : {0, 1, 2, 3}) text.result.chunks.push_back({index, 256 * (3.1 + 0.1 * index), 0, 256});
  text.asked = 4;
  return run;
}

void add_divergence(RunResult& run) {
  KlOutcome& kl = run.kl.emplace();
  kl.base = "fp16";
  kl.text_name = "wiki.test.raw (without its byte order mark)";
  kl.result.scored = 1024;
  kl.result.chunks.resize(1);
  kl.result.divergence = {0.000569708, 0.00000723556, 1024};
  kl.result.divergence_percentiles.fill(0.0004);
  kl.result.log_ratio = {-0.0000925, 0.00064, 1024};
}

QString cell(const RunResult& run, RunsModel::Column column) {
  return run_cell_text(row_of(run), nullptr, Scorer::lm_eval, column);
}

QString help(const RunEntry& entry, RunsModel::Column column) { return run_cell_help(entry, column); }

RunEntry of_model(const char* path, const char* fingerprint, const char* configuration) {
  RunResult run = whole_run(configuration, 2, 4);
  run.request.model = run.provenance.checkpoint = path;
  run.provenance.fingerprint = fingerprint;
  return row_of(run);
}

}  // namespace

class RunCellsTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void every_figure_is_rounded_as_in_the_report() {
    RunResult run = whole_run("nf4", 3, 7);
    add_divergence(run);
    const std::vector<RunResult> runs = {run};
    const QString html = QString::fromStdString(report_html({runs, nullptr, {}}, "/nowhere", {}));
    for (const auto column : {RunsModel::weights, RunsModel::reported, RunsModel::bits, RunsModel::f1, RunsModel::em,
                              RunsModel::perplexity, RunsModel::divergence}) {
      const QString text = cell(run, column);
      QVERIFY2(html.contains(text) && text.size() > 3, qPrintable(text));
    }
    QCOMPARE(cell(run, RunsModel::divergence), QStringLiteral("0.000570 ± 0.000007"));
    const RunEntry entry = row_of(run);
    QVERIFY(divergence_chart({&entry}).summary.contains(QStringLiteral("0.000570 ± 0.000007 nats")));
  }

  void the_help_names_the_text_as_the_report_does() {
    RunResult run = whole_run("nf4", 3, 7);
    QVERIFY(help(row_of(run), RunsModel::perplexity).contains(QString::fromStdString(run.perplexity->text_name)));
    QVERIFY(help(row_of(run), RunsModel::perplexity).contains(QStringLiteral("4 windows, 1024 scored tokens")));
    add_divergence(run);
    QVERIFY(help(row_of(run), RunsModel::divergence).contains(QString::fromStdString(run.kl->text_name)));
    QVERIFY(help(row_of(run), RunsModel::perplexity).contains(QStringLiteral("-0.00009 ± 0.00064, token by token")));
  }

  void perplexities_are_paired_with_the_baseline() {
    RunResult other = whole_run("fp4", 2, 7);
    for (PerplexityChunk& chunk : other.perplexity->result.chunks) chunk.nll_sum += 256 * 0.25;
    const std::vector<RunEntry> rows = rows_of(std::vector<RunResult>{whole_run("nf4", 3, 7), other}, Scorer::lm_eval);
    const QString text = help(rows[1], RunsModel::perplexity);
    QVERIFY2(text.contains(QStringLiteral("PPL) +0.25000 ± 0.00000 [+0.25000, +0.25000], window by window")),
             qPrintable(text));
  }

  void a_difference_says_over_how_many_of_the_questions() {
    RunResult stopped = answered_run("nf4", 20, 40);
    stopped.qa->asked = 90;
    stopped.state = RunState::stopped;
    const std::vector<RunResult> runs = {answered_run("fp16", 90, 90), stopped};
    const std::vector<RunEntry> rows = rows_of(runs, Scorer::lm_eval);
    const QString text = help(rows[1], RunsModel::difference);
    QVERIFY2(text.startsWith(QStringLiteral("Paired over 40 of 90 questions that both answered.")), qPrintable(text));
    QVERIFY(help(rows[1], RunsModel::f1).startsWith(QStringLiteral("n = 40 of 90")));
  }

  void a_difference_that_cannot_be_says_why() {
    RunResult other = answered_run("nf4", 1, 4);
    other.qa->dataset_hash = "another";
    const std::vector<RunResult> runs = {answered_run("fp16", 2, 4), other};
    const std::vector<RunEntry> rows = rows_of(runs, Scorer::lm_eval);
    QCOMPARE(run_cell_text(rows[1], rows.data(), Scorer::lm_eval, RunsModel::difference), QStringLiteral("–"));
    QVERIFY(help(rows[1], RunsModel::difference).contains(QStringLiteral("different datasets")));
  }

  void runs_of_two_models_are_told_apart() {
    RunsModel runs;
    runs.add(of_model("/models/small", "a", "fp16"));
    runs.add(of_model("/models/small", "a", "nf4"));
    const auto label = [&](int row) { return runs.index(row, RunsModel::configuration).data().toString(); };
    const auto weights = [&](int row) { return runs.index(row, RunsModel::weights).data().toString(); };
    QCOMPARE(label(1), QStringLiteral("NF4"));
    QVERIFY(weights(1).contains(QStringLiteral("÷")));
    RunEntry waiting;  // known by its path alone
    waiting.request.model = "/models/large.gguf";
    waiting.request.settings = *parse_configuration("nf4");
    const RunId id = runs.add(waiting);
    QCOMPARE(label(1), QStringLiteral("small NF4"));
    QCOMPARE(label(2), QStringLiteral("large NF4"));
    runs.update(id, [](RunEntry& entry) {
      const RunId own = entry.id;
      entry = of_model("/models/large.gguf", "b", "nf4");
      entry.id = own;
    });
    QCOMPARE(label(2), QStringLiteral("large NF4"));
    QVERIFY2(!weights(2).contains(QStringLiteral("÷")), qPrintable(weights(2)));
    QCOMPARE(run_name(runs.results().back()), std::string("large nf4"));
    runs.remove(id);
    QCOMPARE(label(1), QStringLiteral("NF4"));
  }

  void divergences_of_another_model_are_left_out() {
    RunEntry first = of_model("/models/small", "a", "nf4"), second = of_model("/models/large", "b", "nf4");
    for (RunEntry* entry : {&first, &second}) {
      RunResult run = *entry->result;
      add_divergence(run);
      entry->result = std::make_shared<const RunResult>(run);
    }
    const ChartData chart = divergence_chart({&first, &second});
    QCOMPARE(chart.y.labels.size(), std::size_t(1));
    QVERIFY2(chart.summary.contains(QStringLiteral("is left out: The runs are of different checkpoints")),
             qPrintable(chart.summary));
  }

  void prompts_that_lost_their_beginning_are_named_beside_the_scores() {
    RunResult run = answered_run("nf4", 2, 4);
    run.qa->answers[1].cut_left = true;
    const RunEntry entry = row_of(run);
    const QStringList notes = accuracy_notes({&entry}, Scorer::lm_eval);
    QVERIFY(notes.contains(
        QStringLiteral("Prompts that were longer than the context and lost their beginning: 1 of NF4.")));
  }

  void long_tips_break_their_lines() {
    RunsModel runs;
    runs.add(row_of(whole_run("nf4", 3, 7)));
    for (int column = 0; column < RunsModel::column_count; ++column) {
      const QString tip = runs.index(0, column).data(Qt::ToolTipRole).toString();
      QVERIFY2(tip.isEmpty() || tip.startsWith(QStringLiteral("<qt>")), qPrintable(tip));
    }
    QCOMPARE(wrapped_tip(QStringLiteral("a < b\nc")), QStringLiteral("<qt>a &lt; b<br>c</qt>"));
  }
};

QTEST_MAIN(RunCellsTest)
#include "run_cells_test.moc"
