// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <cstdint>

#include "core/report/pairs.h"

namespace quantscope::ui {

/// Numbers as the window shows them: always with a dot, so that what is copied can be pasted anywhere. Figures of runs
/// are rounded as in reports and on the command line (core/report/figure_text.h).
QString format_mib(std::int64_t bytes);                    ///< "1023.14"
QString format_number(double value, int significant = 4);  ///< "0.01234", "1.2e-07"
QString format_count(std::int64_t count);                  ///< "134,515,008"
QString format_percent(const MeanEstimate& estimate);      ///< percent_text(), or a dash for no items
QString format_duration(double seconds);                   ///< "5 s", "2 min 10 s", "1 h 05 min"
QString format_rate(double per_second);                    ///< "12.3/s", "4.0 s each"
/// "+1.20 [+0.30, +2.10], Holm p = 0.0110", or "not resolved" with n or p when it cannot be told from chance. In
/// percentage points; p is corrected for all comparisons with the baseline. Precondition: the comparison was made.
QString format_pair(const PairRow& pair);

QString memory_label(MemoryTag tag);  ///< "KV cache"
/// A tool tip whose lines are broken: a plain one is a single line, however long, and leaves the screen.
QString wrapped_tip(const QString& text);

inline QString to_qt(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

}  // namespace quantscope::ui
