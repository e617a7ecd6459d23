// SPDX-License-Identifier: GPL-3.0-or-later
#include <QCoreApplication>
#include <QStringList>
#include <algorithm>

#include "ui/charts/result_charts.h"
#include "ui/models/format.h"
#include "ui/models/run_style.h"

namespace quantscope::ui {
namespace {

constexpr double f1_offset = 0.12;

QString tr(const char* text) { return QCoreApplication::translate("AccuracyChart", text); }

/// One series per run, so that each has the colour and marker of its type; F1 filled, EM pale.
ChartSeries score_series(const RunEntry& run, const MeanEstimate& estimate, double at, bool is_f1) {
  ChartSeries series;
  series.name = QStringLiteral("%1, %2").arg(run_label(run), is_f1 ? QStringLiteral("F1") : QStringLiteral("EM"));
  series.shape = SeriesShape::points;
  series.x = {100 * estimate.mean};
  series.y = {at};
  series.error = {100 * estimate.error};
  series.color = run_color(run);
  series.marker = run_marker(run);
  series.faded = !is_f1;
  series.in_legend = false;
  return series;
}

/// What the pairs against the baseline say, in words that do not claim more than they can: with several configurations
/// one small p value is to be expected, so only what stays after correction counts.
QString verdict(const std::vector<const RunEntry*>& runs) {
  bool any_paired = false;
  QStringList worse, better;
  for (const RunEntry* run : runs) {
    const PairedComparison* pair = run->pairs.comparison();
    if (pair == nullptr) continue;
    any_paired = true;
    if (run->pairs.f1->resolved()) (pair->difference < 0 ? worse : better) << run_label(*run);
  }
  if (!any_paired) return {};
  if (worse.isEmpty() && better.isEmpty())
    return tr(
        "With this many questions no difference from the baseline can be told from chance (Holm-corrected p > 0.05).");
  QStringList sentences;
  if (!worse.isEmpty()) sentences << tr("Below the baseline: %1.").arg(worse.join(QStringLiteral(", ")));
  if (!better.isEmpty()) sentences << tr("Above the baseline: %1.").arg(better.join(QStringLiteral(", ")));
  sentences << tr("The others cannot be told from it (Holm-corrected p > 0.05).");
  return sentences.join(u' ');
}

}  // namespace

ChartData accuracy_chart(const std::vector<const RunEntry*>& runs, Scorer scorer) {
  ChartData chart;
  chart.name = QStringLiteral("accuracy");
  std::int64_t answered = 0;
  double highest = 0;
  int shown = 0;
  for (const RunEntry* run : runs) {
    const MeanEstimate f1 = f1_of(*run, scorer), em = em_of(*run, scorer);
    if (f1.n == 0) continue;
    const double row = -shown++;
    chart.y.labels.emplace_back(row, run_label(*run));
    chart.series.push_back(score_series(*run, f1, row + f1_offset, true));
    chart.series.push_back(score_series(*run, em, row - f1_offset, false));
    answered = std::max(answered, f1.n);
    highest = std::max(highest, 100 * (std::max(f1.mean + f1.error, em.mean + em.error)));
  }
  if (shown == 0) return chart;
  chart.series.push_back(legend_entry(tr("F1 (upper, solid)"), false));
  chart.series.push_back(legend_entry(tr("Exact match (lower, pale)"), true));
  chart.x.title = tr("Score ± standard error (%), scorer %1").arg(to_qt(scorer_label(scorer)));
  chart.x.range = {0.0, std::clamp(highest * 1.3, 5.0, 100.0)};
  chart.y.title = tr("Configuration");
  chart.y.range = {-shown + 0.3, 0.8 + 0.16 * shown};  // room for the legend
  const QString pairs = verdict(runs);
  chart.summary = (shown == 1 ? tr("Scores of one configuration on %1 questions.").arg(answered)
                              : tr("Scores of %1 configurations on up to %2 questions.").arg(shown).arg(answered)) +
                  (pairs.isEmpty() ? QString() : u' ' + pairs);
  return chart;
}

QStringList accuracy_notes(const std::vector<const RunEntry*>& runs, Scorer scorer) {
  QStringList notes, shortened;
  const auto add = [&](const QString& note) {
    if (!note.isEmpty() && !notes.contains(note)) notes << note;
  };
  for (const RunEntry* run : runs) {
    if (!run->has_result() || !run->result->qa) continue;
    add(tr("Dataset %1, n = %2, scorer %3.")
            .arg(QString::fromStdString(run->result->qa->dataset_name))
            .arg(run->result->qa->answers.size())
            .arg(to_qt(scorer_label(scorer))));
    for (const std::string& note : run->result->qa->notes) add(QString::fromStdString(note));
    const auto cut = std::ranges::count_if(run->result->qa->answers, &QaAnswer::cut_left);
    if (cut > 0) shortened << tr("%1 of %2").arg(cut).arg(run_label(*run));
    const std::string& baseline = run->result->provenance.baseline_note;
    if (!baseline.empty())
      add(tr("The checkpoint itself is stored quantized: every run starts from %1.")
              .arg(QString::fromStdString(baseline)));
  }
  if (!shortened.isEmpty())
    add(tr("Prompts that were longer than the context and lost their beginning: %1.")
            .arg(shortened.join(QStringLiteral(", "))));
  return notes;
}

}  // namespace quantscope::ui
