// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/figure_text.h"

#include <fmt/format.h>

namespace quantscope {
namespace {

constexpr int percent_digits = 2, rate_digits = 1, seconds_digits = 3, divergence_digits = 6;

std::string with_error(const std::string& value, double error, int digits) {
  return fmt::format("{} ± {:.{}f}", value, error, digits);
}

std::string with_error(double value, double error, int digits) {
  return with_error(fmt::format("{:.{}f}", value, digits), error, digits);
}

std::string with_range(const Spread& spread, int digits) {
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", spread.median, digits, spread.minimum, digits, spread.maximum,
                     digits);
}

std::string log_ratio_text(double ratio, double error) { return with_error(fmt::format("{:+.5f}", ratio), error, 5); }

}  // namespace

std::string percent_text(const MeanEstimate& share) {
  return share.has_error() ? percent_text(ValueWithError{share.mean, share.error}) : percent_text(share.mean);
}

std::string percent_text(const ValueWithError& share) {
  return with_error(100 * share.value, 100 * share.error, percent_digits);
}

std::string percent_text(double share) { return fmt::format("{:.{}f}", 100 * share, percent_digits); }

std::string perplexity_text(const PerplexityResult& result) {
  return with_error(result.perplexity, result.perplexity_error, 4);
}

std::string divergence_text(const MeanEstimate& nats) { return with_error(nats.mean, nats.error, divergence_digits); }

std::string divergence_text(double nats) { return fmt::format("{:.{}f}", nats, divergence_digits); }

std::string log_ratio_text(const MeanEstimate& ratio) { return log_ratio_text(ratio.mean, ratio.error); }

std::string rate_text(double tokens_per_second) { return fmt::format("{:.{}f}", tokens_per_second, rate_digits); }

std::string rate_text(const Spread& tokens_per_second) { return with_range(tokens_per_second, rate_digits); }

std::string seconds_text(double seconds) { return fmt::format("{:.{}f}", seconds, seconds_digits); }

std::string seconds_text(const Spread& seconds) { return with_range(seconds, seconds_digits); }

std::string mebibytes_text(std::int64_t bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

std::string bits_per_weight_text(double bits) { return fmt::format("{:.3f}", bits); }

std::string p_text(double p) { return fmt::format("{:.4f}", p); }

std::string points_text(const PairedComparison& comparison) {
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * comparison.difference, 100 * comparison.low,
                     100 * comparison.high);
}

std::string difference_text(const PairRow& pair) {
  const PairedComparison& figures = *pair.comparison;
  if (pair.figure == PairFigure::f1) return fmt::format("F1 {} points", points_text(figures));
  return fmt::format("ln(PPL / base PPL) {} [{:+.5f}, {:+.5f}]", log_ratio_text(figures.difference, figures.error),
                     figures.low, figures.high);
}

}  // namespace quantscope
