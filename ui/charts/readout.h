// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSet>
#include <functional>

#include "ui/charts/chart_data.h"

namespace quantscope::ui {

/// "NF4: 0.0796 (weight), 3 (count)" of the point that is nearest to the cursor, or the cursor's own coordinates when
/// nothing is near. `distance` is in pixels.
QString readout_text(const ChartData& chart, const QSet<QString>& hidden, double x, double y,
                     const std::function<double(double, double)>& distance);

}  // namespace quantscope::ui
