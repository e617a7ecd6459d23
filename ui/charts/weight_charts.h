// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/tensor_preview.h"
#include "core/quantize/level_table.h"
#include "ui/charts/chart_data.h"

namespace quantscope::ui {

/// What the histogram page draws.
struct HistogramView {
  QString tensor;
  DataType type = DataType::fp32;  ///< whose levels are drawn on it
  bool logarithmic = false;
  int bins = 240;
  std::pair<double, double> range;  ///< low < high
};

/// The range that shows all values of a tensor with a margin.
std::pair<double, double> full_range(const TensorStatistics& statistics);
ChartData histogram_chart(const TensorPreview& preview, const HistogramView& view);

/// Where NF4, INT4 and FP4 put their levels, under the normal curve.
ChartData levels_chart();
/// Expected relative errors of the 4-bit types at a block size, as one sentence.
QString levels_summary(std::int64_t block_size);

}  // namespace quantscope::ui
