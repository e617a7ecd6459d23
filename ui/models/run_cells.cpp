// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_cells.h"

#include <QCoreApplication>
#include <QStringList>

#include "core/report/figure_text.h"
#include "ui/models/format.h"
#include "ui/models/run_style.h"
#include "ui/models/runs_model.h"

namespace quantscope::ui {
namespace {

const QString none = QStringLiteral("–");

QString tr(const char* text) { return QCoreApplication::translate("RunCells", text); }

/// Tokens per second: of the speed task when it was run, else what the questions took.
struct Rate {
  double value = 0;
  bool measured = false;
};

Rate rate_of(const RunEntry& entry) {
  if (!entry.has_result()) return {};
  if (entry.result->speed) return {entry.result->speed->generation_tokens_per_second.median, true};
  if (!entry.result->qa || entry.result->qa->seconds <= 0) return {};
  std::int64_t tokens = 0;
  for (const QaAnswer& answer : entry.result->qa->answers) tokens += answer.computed_tokens + answer.generated_tokens;
  return {static_cast<double>(tokens) / entry.result->qa->seconds, false};
}

const PerplexityResult* perplexity_of(const RunEntry& entry) {
  return entry.has_result() && entry.result->perplexity ? &entry.result->perplexity->result : nullptr;
}

const KlResult* divergence_of(const RunEntry& entry) {
  return entry.has_result() && entry.result->kl ? &entry.result->kl->result : nullptr;
}

/// What the weights are; null while that is not known, and for imported answers.
const Resolved* weights_of(const RunEntry& entry) {
  return entry.resolved && !is_imported(entry) ? &*entry.resolved : nullptr;
}

QString weights_text(const RunEntry& entry, const RunEntry* baseline) {
  const MemoryRows* memory = memory_of(entry);
  if (memory == nullptr) return none;
  const MemoryRows* of_baseline = baseline == nullptr || baseline->id == entry.id ? nullptr : memory_of(*baseline);
  if (of_baseline == nullptr || memory->weights() == 0) return format_mib(memory->weights());
  const double factor = static_cast<double>(of_baseline->weights()) / static_cast<double>(memory->weights());
  return QStringLiteral("%1  (÷ %2)").arg(format_mib(memory->weights())).arg(factor, 0, 'f', 2);
}

QString difference_text(const RunEntry& entry, const RunEntry* baseline) {
  if (baseline != nullptr && baseline->id == entry.id) return tr("baseline");
  return entry.pair ? format_pair(*entry.pair) : none;
}

QString rate_text(const RunEntry& entry) {
  const Rate rate = rate_of(entry);
  if (rate.value <= 0) return none;
  return QStringLiteral("%1%2").arg(rate.measured ? QString() : QStringLiteral("≈ ")).arg(rate.value, 0, 'f', 1);
}

QString pair_help(const PairRow& row) {
  const PairedComparison& pair = *row.comparison;
  QString text = tr("Paired over the same %1 questions. p = %2 for this comparison alone, %3 corrected (Holm) for all "
                    "comparisons with the baseline. Exact matches lost: %4, won: %5 (McNemar p = %6).")
                     .arg(pair.n)
                     .arg(format_number(pair.p, 2), format_number(row.p_holm, 2))
                     .arg(pair.flips_worse)
                     .arg(pair.flips_better)
                     .arg(format_number(pair.mcnemar_p, 2));
  if (!pair.resolved() && pair.n_needed > 0)
    text += u' ' + tr("About %1 questions would be needed to resolve a difference of this size.").arg(pair.n_needed);
  return text;
}

QString divergence_help(const KlOutcome& outcome) {
  const KlResult& kl = outcome.result;
  return tr("From %1 over %2 positions (%3). Same most probable token: %4 %. Median %5, 99 % of positions below %6 "
            "nats. "
            "Root mean square change of the right token's probability: %7 %.")
      .arg(QString::fromStdString(outcome.base))
      .arg(kl.scored)
      .arg(QString::fromStdString(outcome.task.protocol))
      .arg(to_qt(percent_text(kl.same_top)))
      .arg(format_number(KlResult::at(kl.divergence_percentiles, 0.5), 3),
           format_number(KlResult::at(kl.divergence_percentiles, 0.99), 3))
      .arg(to_qt(percent_text(kl.rms_delta_p)));
}

}  // namespace

QString run_cell_text(const RunEntry& entry, const RunEntry* baseline, Scorer scorer, int column) {
  const Resolved* weights = weights_of(entry);
  switch (column) {
    case RunsModel::configuration: return run_label(entry);
    case RunsModel::weights: return weights_text(entry, baseline);
    case RunsModel::reported: return weights ? format_mib(weights->as_commonly_reported) : none;
    case RunsModel::bits: return weights ? QString::number(weights->bits_per_weight, 'f', 2) : none;
    case RunsModel::f1: return format_percent(f1_of(entry, scorer));
    case RunsModel::em: return format_percent(em_of(entry, scorer));
    case RunsModel::perplexity: {
      const PerplexityResult* result = perplexity_of(entry);
      return result == nullptr ? none : to_qt(perplexity_text(*result));
    }
    case RunsModel::divergence: {
      const KlResult* result = divergence_of(entry);
      return result == nullptr ? none : to_qt(divergence_text(result->divergence));
    }
    case RunsModel::speed: return rate_text(entry);
    case RunsModel::state: return stage_text(entry);
    case RunsModel::difference: return difference_text(entry, baseline);
    default: return {};
  }
}

QVariant run_cell_value(const RunEntry& entry, Scorer scorer, int column) {
  constexpr double mib = 1024.0 * 1024.0;
  const MemoryRows* memory = memory_of(entry);
  const Resolved* weights = weights_of(entry);
  switch (column) {
    case RunsModel::weights:
      return memory == nullptr ? QVariant() : QVariant(static_cast<double>(memory->weights()) / mib);
    case RunsModel::reported:
      return weights ? QVariant(static_cast<double>(weights->as_commonly_reported) / mib) : QVariant();
    case RunsModel::bits: return weights ? QVariant(weights->bits_per_weight) : QVariant();
    case RunsModel::f1: {
      const MeanEstimate estimate = f1_of(entry, scorer);
      return estimate.n == 0 ? QVariant() : QVariant(100 * estimate.mean);
    }
    case RunsModel::em: {
      const MeanEstimate estimate = em_of(entry, scorer);
      return estimate.n == 0 ? QVariant() : QVariant(100 * estimate.mean);
    }
    case RunsModel::perplexity: {
      const PerplexityResult* result = perplexity_of(entry);
      return result == nullptr ? QVariant() : QVariant(result->perplexity);
    }
    case RunsModel::divergence: {
      const KlResult* result = divergence_of(entry);
      return result == nullptr ? QVariant() : QVariant(result->divergence.mean);
    }
    case RunsModel::speed: {
      const Rate rate = rate_of(entry);
      return rate.value <= 0 ? QVariant() : QVariant(rate.value);
    }
    case RunsModel::difference: return entry.pair ? QVariant(100 * entry.pair->comparison->difference) : QVariant();
    default: return {};
  }
}

QString run_cell_help(const RunEntry& entry, const RunEntry* baseline, int column) {
  switch (column) {
    case RunsModel::configuration:
      return entry.resolved ? QString::fromStdString(entry.resolved->summary)
                            : QString::fromStdString(configuration_text(entry.request.settings));
    case RunsModel::weights:
      return entry.result != nullptr ? tr("Measured: codes, scales, embedding, head and norms.")
                                     : tr("Forecast: codes, scales, embedding, head and norms.");
    case RunsModel::f1:
    case RunsModel::em:
      if (!entry.has_result() || !entry.result->qa) return tr("%1 answers so far.").arg(entry.answers.size());
      {
        QStringList notes{tr("n = %1").arg(entry.result->qa->answers.size())};
        for (const std::string& note : entry.result->qa->notes) notes << QString::fromStdString(note);
        return notes.join(u'\n');
      }
    case RunsModel::divergence: return divergence_of(entry) == nullptr ? QString() : divergence_help(*entry.result->kl);
    case RunsModel::speed:
      return rate_of(entry).measured ? tr("Generated tokens per second, median of the repetitions.")
                                     : tr("Prompt and generated tokens computed per second of question answering; tick "
                                          "\"Speed\" for a measurement.");
    case RunsModel::state: return stage_text(entry);
    case RunsModel::difference:
      if (entry.pair) return pair_help(*entry.pair);
      if (baseline != nullptr && entry.ended() && !same_tasks(*baseline, entry))
        return tr("The baseline was asked other questions, so there is no difference to show.");
      return {};
    default: return {};
  }
}

QString run_column_help(int column) {
  switch (column) {
    case RunsModel::weights:
      return tr(
          "All weights with their scales, in MiB of 2^20 bytes; in brackets how many times smaller than the baseline.");
    case RunsModel::reported: return tr("As publications count: scales left out, unquantized weights at 16 bit.");
    case RunsModel::bits: return tr("Bits per weight over all weights, scales included.");
    case RunsModel::f1:
      return tr("Word overlap of the answers with the references: mean ± standard error, in percent.");
    case RunsModel::em: return tr("Exact matches: mean ± standard error, in percent.");
    case RunsModel::perplexity: return tr("Perplexity of the text file ± standard error; lower is better.");
    case RunsModel::divergence:
      return tr("KL divergence from the base, in nats per token: mean ± standard error. 0 means the same predictions.");
    case RunsModel::speed: return tr("Generated tokens per second.");
    case RunsModel::difference:
      return tr(
          "F1 minus that of the pinned baseline over the same questions, with its 95 % interval. Each p is corrected "
          "(Holm) for all comparisons with the baseline, as in pairs.csv and report.html.");
    default: return {};
  }
}

QString cli_command(const RunRequest& request) {
  const auto quoted = [](const QString& text) {
    return QStringLiteral("'%1'").arg(QString(text).replace(u'\'', QStringLiteral("'\\''")));
  };
  QStringList lines;
  for (const Task& task : request.tasks) {
    QStringList words{QStringLiteral("quantscope-cli evaluate"), quoted(QString::fromStdString(request.model)),
                      quoted(QString::fromStdString(configuration_text(request.settings))), QStringLiteral("--task"),
                      to_qt(task_name(task.kind))};
    if (!task.data.empty()) words << QStringLiteral("--data") << quoted(QString::fromStdString(task.data));
    if (is_question_task(task.kind)) {
      words << QStringLiteral("--items")
            << (task.items == Items::last ? QStringLiteral("last") : QStringLiteral("all"));
      words << QStringLiteral("--sample") << QString::fromStdString(sample_text(task.sample));
    }
    lines << words.join(u' ');
  }
  return lines.join(u'\n');
}

}  // namespace quantscope::ui
