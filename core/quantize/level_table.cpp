// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quantize/level_table.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

#include "kernels/formats/fp4.h"
#include "kernels/formats/int4.h"
#include "kernels/formats/nf4.h"

namespace quantscope {
namespace {

LevelTable nf4_table() {
  return {
      "NF4", {std::begin(nf4_levels), std::end(nf4_levels)}, {std::begin(nf4_thresholds), std::end(nf4_thresholds)}};
}

/// Both zeros of FP4 are one level here.
LevelTable fp4_table() {
  LevelTable table{"FP4", {}, {}};
  for (int rank = 7; rank > 0; --rank) {
    table.levels.push_back(-fp4_levels[fp4_ascending_codes[rank]]);
    table.thresholds.push_back(-fp4_magnitude_thresholds[rank - 1]);
  }
  table.levels.push_back(0.0F);
  for (int rank = 1; rank < 8; ++rank) {
    table.thresholds.push_back(fp4_magnitude_thresholds[rank - 1]);
    table.levels.push_back(fp4_levels[fp4_ascending_codes[rank]]);
  }
  return table;
}

LevelTable int4_table() {
  LevelTable table{"INT4", {}, {}};
  for (int q = -int4_largest; q <= int4_largest; ++q) table.levels.push_back(static_cast<float>(q) / 7.0F);
  for (const float threshold : int4_thresholds) table.thresholds.push_back(threshold / 7.0F);
  return table;
}

LevelTable int8_table() {
  LevelTable table{"INT8", {}, {}};
  for (int q = -127; q <= 127; ++q) table.levels.push_back(static_cast<float>(q) / 127.0F);
  for (int q = -127; q < 127; ++q) table.thresholds.push_back((static_cast<float>(q) + 0.5F) / 127.0F);
  return table;
}

double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double cumulative(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

/// Integral of (x - level)^2 phi(x) over [low, high].
double cell_error(double low, double high, double level) {
  return (1 + level * level) * (cumulative(high) - cumulative(low)) - (high * density(high) - low * density(low)) +
         2 * level * (density(high) - density(low));
}

/// Expected squared error of a normal value known to lie within [-absmax, absmax].
double error_within(const LevelTable& table, double absmax) {
  double sum = 0, low = -absmax;
  for (std::size_t i = 0; i < table.levels.size(); ++i) {
    const bool last = i == table.thresholds.size();
    const double high = last ? absmax : std::clamp(absmax * table.thresholds[i], -absmax, absmax);
    sum += cell_error(low, high, absmax * table.levels[i]);
    low = high;
  }
  return sum / (2 * cumulative(absmax) - 1);
}

}  // namespace

LevelTable level_table(DataType type) {
  switch (type) {
    case DataType::nf4: return nf4_table();
    case DataType::fp4: return fp4_table();
    case DataType::int4: return int4_table();
    case DataType::int8: return int8_table();
    default: return {};
  }
}

double expected_relative_error(const LevelTable& table, std::int64_t block_size) {
  if (table.levels.empty() || block_size < 1) return std::numeric_limits<double>::quiet_NaN();
  // The largest of n magnitudes has the density n (2 Phi(m) - 1)^(n - 1) 2 phi(m); that value itself is stored exactly,
  // the n - 1 others are normal within [-m, m]. Midpoint rule; beyond 9 nothing is left.
  constexpr int steps = 4000;
  constexpr double largest = 9.0;
  const auto n = static_cast<double>(block_size);
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double m = (i + 0.5) * largest / steps;
    const double weight = n * std::pow(2 * cumulative(m) - 1, n - 1) * 2 * density(m);
    if (weight > 0) sum += weight * error_within(table, m);
  }
  return std::sqrt(sum * largest / steps * (n - 1) / n);
}

}  // namespace quantscope
