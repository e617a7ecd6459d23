// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/format.h"

#include <QLocale>
#include <cmath>

#include "core/experiment/run_result.h"
#include "core/report/figure_text.h"

namespace quantscope::ui {

QString format_mib(std::int64_t bytes) { return QString::fromStdString(mebibytes_text(bytes)); }

QString format_number(double value, int significant) {
  if (std::isnan(value)) return QStringLiteral("–");
  if (std::isinf(value)) return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
  return QString::number(value, 'g', significant);
}

QString format_count(std::int64_t count) { return QLocale(QLocale::English).toString(static_cast<qlonglong>(count)); }

QString format_percent(const MeanEstimate& estimate) {
  if (estimate.n == 0) return QStringLiteral("–");
  return to_qt(percent_text(estimate));
}

QString format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return QStringLiteral("–");
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return QStringLiteral("%1 s").arg(whole);
  if (whole < 3600) return QStringLiteral("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QLatin1Char('0'));
  return QStringLiteral("%1 h %2 min").arg(whole / 3600).arg(whole % 3600 / 60, 2, 10, QLatin1Char('0'));
}

QString format_rate(double per_second) {
  if (!std::isfinite(per_second) || per_second <= 0) return QStringLiteral("–");
  if (per_second >= 1) return QStringLiteral("%1/s").arg(per_second, 0, 'f', 1);
  return QStringLiteral("%1 s each").arg(1 / per_second, 0, 'f', 1);
}

QString format_pair(const PairRow& row) {
  const PairedComparison& pair = *row.comparison;
  const QString interval = to_qt(points_text(pair));
  const QString n = QString::fromStdString(count_text(pair.n, pair.asked));
  if (!pair.resolved()) return QStringLiteral("%1, not resolved at n = %2").arg(interval, n);
  const QString corrected = QStringLiteral("%1, Holm p = %2").arg(interval, to_qt(p_text(row.p_holm)));
  if (!row.resolved()) return corrected + QStringLiteral(", not resolved");
  return pair.n < pair.asked ? QStringLiteral("%1 at n = %2 so far").arg(corrected, n) : corrected;
}

QString memory_label(MemoryTag tag) {
  if (tag == MemoryTag::kv_cache) return QStringLiteral("KV cache");
  return to_qt(memory_tag_name(tag)).replace(u'_', u' ');
}

QString wrapped_tip(const QString& text) {
  if (text.isEmpty()) return {};
  return QStringLiteral("<qt>%1</qt>").arg(text.toHtmlEscaped().replace(u'\n', QStringLiteral("<br>")));
}

}  // namespace quantscope::ui
