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
  const bool comparable = baseline != nullptr && baseline->id != entry.id && baseline->model_label == entry.model_label;
  const MemoryRows* of_baseline = comparable ? memory_of(*baseline) : nullptr;
  if (of_baseline == nullptr || memory->weights() == 0) return format_mib(memory->weights());
  const double factor = static_cast<double>(of_baseline->weights()) / static_cast<double>(memory->weights());
  return QStringLiteral("%1  (÷ %2)").arg(format_mib(memory->weights())).arg(factor, 0, 'f', 2);
}

QString difference_text(const RunEntry& entry, const RunEntry* baseline) {
  if (baseline != nullptr && baseline->id == entry.id) return tr("baseline");
  return entry.pairs.comparison() != nullptr ? format_pair(*entry.pairs.f1) : none;
}

QString rate_text(const RunEntry& entry) {
  const Rate rate = rate_of(entry);
  if (rate.value <= 0) return none;
  return QStringLiteral("%1%2")
      .arg(rate.measured ? QString() : QStringLiteral("≈ "))
      .arg(to_qt(quantscope::rate_text(rate.value)));
}

QString pair_help(const PairRow& row) {
  const PairedComparison& pair = *row.comparison;
  QString text =
      tr("Paired over %1 questions that both answered. p = %2 for this comparison alone, %3 corrected (Holm) for all "
         "comparisons with the baseline. Exact matches lost: %4, won: %5 (McNemar p = %6).")
          .arg(QString::fromStdString(count_text(pair.n, pair.asked)), to_qt(p_text(pair.p)), to_qt(p_text(row.p_holm)))
          .arg(pair.flips_worse)
          .arg(pair.flips_better)
          .arg(to_qt(p_text(pair.mcnemar_p)));
  if (!pair.resolved() && pair.n_needed > pair.n)
    text += u' ' + tr("About %1 questions would be needed to resolve a difference of this size.").arg(pair.n_needed);
  return text;
}

/// The ratio of perplexities: from the tokens where there is a KL divergence, else from the windows.
QString ratio_help(const RunEntry& entry) {
  if (const KlResult* kl = divergence_of(entry))
    return tr("ln(PPL / base PPL) %1, token by token, base %2.")
        .arg(to_qt(log_ratio_text(kl->log_ratio)), QString::fromStdString(entry.result->kl->base));
  if (!entry.pairs.perplexity) return {};
  const PairRow& row = *entry.pairs.perplexity;
  if (!row.comparison) return QString::fromStdString(row.verdict);
  return tr("%1, window by window, base the pinned baseline: p = %2, %3 corrected (Holm), %4.")
      .arg(to_qt(quantscope::difference_text(row)), to_qt(p_text(row.comparison->p)), to_qt(p_text(row.p_holm)),
           QString::fromStdString(row.verdict));
}

QString perplexity_help(const RunEntry& entry) {
  const PerplexityOutcome& outcome = *entry.result->perplexity;
  const QString windows = QString::fromStdString(count_text(std::ssize(outcome.result.chunks), outcome.asked));
  QString text =
      tr("%1, %2: %3 windows, %4 scored tokens.")
          .arg(QString::fromStdString(outcome.text_name), QString::fromStdString(outcome.task.protocol), windows)
          .arg(outcome.result.scored);
  const QString ratio = ratio_help(entry);
  return ratio.isEmpty() ? text : text + u'\n' + ratio;
}

QString divergence_help(const KlOutcome& outcome) {
  const KlResult& kl = outcome.result;
  const auto at = [&](double fraction) {
    return to_qt(divergence_text(KlResult::at(kl.divergence_percentiles, fraction)));
  };
  return tr("From %1 over %2 positions of %3 (%4). Same most probable token: %5 %. Median %6, 99 % of positions below "
            "%7 nats. Root mean square change of the right token's probability: %8 %.")
      .arg(QString::fromStdString(outcome.base))
      .arg(kl.scored)
      .arg(QString::fromStdString(outcome.text_name), QString::fromStdString(outcome.task.protocol))
      .arg(to_qt(percent_text(kl.same_top)))
      .arg(at(0.5), at(0.99))
      .arg(to_qt(percent_text(kl.rms_delta_p)));
}

}  // namespace

QString run_cell_text(const RunEntry& entry, const RunEntry* baseline, Scorer scorer, int column) {
  const Resolved* weights = weights_of(entry);
  switch (column) {
    case RunsModel::configuration: return run_label(entry);
    case RunsModel::weights: return weights_text(entry, baseline);
    case RunsModel::reported: return weights ? format_mib(weights->as_commonly_reported) : none;
    case RunsModel::bits: return weights ? to_qt(bits_per_weight_text(weights->bits_per_weight)) : none;
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
    case RunsModel::difference: {
      const PairedComparison* pair = entry.pairs.comparison();
      return pair == nullptr ? QVariant() : QVariant(100 * pair->difference);
    }
    default: return {};
  }
}

QString run_cell_help(const RunEntry& entry, int column) {
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
        const QaOutcome& qa = *entry.result->qa;
        QStringList notes{tr("n = %1").arg(QString::fromStdString(count_text(std::ssize(qa.answers), qa.asked)))};
        for (const std::string& note : entry.result->qa->notes) notes << QString::fromStdString(note);
        return notes.join(u'\n');
      }
    case RunsModel::perplexity: return perplexity_of(entry) == nullptr ? QString() : perplexity_help(entry);
    case RunsModel::divergence: return divergence_of(entry) == nullptr ? QString() : divergence_help(*entry.result->kl);
    case RunsModel::speed:
      return rate_of(entry).measured ? tr("Generated tokens per second, median of the repetitions.")
                                     : tr("Prompt and generated tokens computed per second of question answering; tick "
                                          "\"Speed\" for a measurement.");
    case RunsModel::state: return stage_text(entry);
    case RunsModel::difference:
      if (!entry.pairs.f1) return {};
      return entry.pairs.comparison() != nullptr ? pair_help(*entry.pairs.f1)
                                                 : QString::fromStdString(entry.pairs.f1->verdict);
    default: return {};
  }
}

QString run_column_help(int column) {
  switch (column) {
    case RunsModel::weights:
      return tr(
          "All weights with their scales, in MiB of 2^20 bytes; in brackets how many times smaller than the baseline, "
          "if that is of the same checkpoint.");
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
          "F1 minus that of the pinned baseline over the questions that both answered, with its 95 % interval. Each p "
          "is corrected "
          "(Holm) for all comparisons with the baseline, as in pairs.csv and report.html.");
    default: return {};
  }
}

}  // namespace quantscope::ui
