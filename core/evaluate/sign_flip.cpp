// SPDX-License-Identifier: GPL-3.0-or-later
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>

#include "core/evaluate/random.h"
#include "core/evaluate/statistics.h"

namespace quantscope {
namespace {

constexpr std::size_t most_exact = 16;
constexpr int random_patterns = 100'000;
constexpr std::uint64_t sign_flip_stream = 2;
constexpr double relative_slack = 1e-9;

/// Counts all patterns in Gray code order, where neighbours differ in one sign.
double exact_share(std::span<const double> differences, double threshold) {
  std::vector<double> signs(differences.begin(), differences.end());
  double sum = 0;
  for (const double value : signs) sum += value;
  const std::uint32_t patterns = 1U << differences.size();
  std::uint32_t hits = std::abs(sum) >= threshold ? 1 : 0;
  for (std::uint32_t pattern = 1; pattern < patterns; ++pattern) {
    const auto flipped = static_cast<std::size_t>(std::countr_zero(pattern));
    sum -= 2 * signs[flipped];
    signs[flipped] = -signs[flipped];
    if (std::abs(sum) >= threshold) ++hits;
  }
  return static_cast<double>(hits) / static_cast<double>(patterns);
}

/// Sums of eight differences under each of the 256 sign patterns: one random byte then settles eight signs at once.
using EightSums = std::array<double, 256>;

std::vector<EightSums> tabulate_sums(std::span<const double> differences) {
  std::vector<EightSums> tables((differences.size() + 7) / 8);
  for (std::size_t t = 0; t < tables.size(); ++t) {
    for (std::size_t pattern = 0; pattern < 256; ++pattern) {
      double sum = 0;
      for (std::size_t bit = 0; bit < 8 && 8 * t + bit < differences.size(); ++bit) {
        const double value = differences[8 * t + bit];
        sum += ((pattern >> bit) & 1U) != 0 ? -value : value;
      }
      tables[t][pattern] = sum;
    }
  }
  return tables;
}

double random_sum(std::span<const EightSums> tables, Pcg32& random) {
  double sum = 0;
  std::uint32_t bits = 0;
  for (std::size_t t = 0; t < tables.size(); ++t) {
    bits = t % 4 == 0 ? random.next() : bits >> 8U;
    sum += tables[t][bits & 0xFFU];
  }
  return sum;
}

double random_share(std::span<const double> differences, double threshold, std::uint64_t seed) {
  const std::vector<EightSums> tables = tabulate_sums(differences);
  Pcg32 random(seed, sign_flip_stream);
  int hits = 1;
  for (int i = 0; i < random_patterns; ++i) {
    if (std::abs(random_sum(tables, random)) >= threshold) ++hits;
  }
  return static_cast<double>(hits) / (1.0 + random_patterns);
}

}  // namespace

double sign_flip_p(std::span<const double> differences, std::uint64_t seed) {
  std::vector<double> moving;
  double sum = 0, magnitudes = 0;
  for (const double value : differences) {
    if (value == 0) continue;
    moving.push_back(value);
    sum += value;
    magnitudes += std::abs(value);
  }
  const double threshold = std::abs(sum) - relative_slack * magnitudes;
  return moving.size() <= most_exact ? exact_share(moving, threshold) : random_share(moving, threshold, seed);
}

}  // namespace quantscope
