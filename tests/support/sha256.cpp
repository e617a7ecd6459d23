// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/sha256.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace quantscope::testing {
namespace {

using Words = std::array<std::uint32_t, 8>;

/// The first 32 bits of the fraction of a root of the i-th prime, from which FIPS 180-4 takes its constants.
std::uint32_t root_fraction(std::size_t i, long double (*root)(long double)) {
  std::uint32_t prime = 1;
  for (std::size_t found = 0; found <= i;) {
    ++prime;
    bool is_prime = true;
    for (std::uint32_t divisor = 2; divisor * divisor <= prime; ++divisor) is_prime &= prime % divisor != 0;
    found += is_prime ? 1 : 0;
  }
  const long double value = root(static_cast<long double>(prime));
  return static_cast<std::uint32_t>((value - std::floor(value)) * 4294967296.0L);
}

const std::array<std::uint32_t, 64>& round_constants() {
  static const auto constants = [] {
    std::array<std::uint32_t, 64> values{};
    for (std::size_t i = 0; i < 64; ++i) values[i] = root_fraction(i, std::cbrt);
    return values;
  }();
  return constants;
}

void add_block(std::string_view block, Words& hash) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 64; ++i) w[i / 4] = (w[i / 4] << 8U) | static_cast<unsigned char>(block[i]);
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3U);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10U);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t first = h + s1 + ((e & f) ^ (~e & g)) + round_constants()[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t second = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  const Words next{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) hash[i] += next[i];
}

}  // namespace

std::string sha256(std::string_view bytes) {
  Words hash{};
  for (std::size_t i = 0; i < 8; ++i) hash[i] = root_fraction(i, std::sqrt);
  std::string padded(bytes);
  padded.push_back('\x80');
  padded.append((120 - padded.size() % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) padded.push_back(static_cast<char>((bytes.size() * 8) >> shift));
  for (std::size_t at = 0; at < padded.size(); at += 64) add_block(std::string_view(padded).substr(at, 64), hash);
  std::string digits;
  for (const std::uint32_t word : hash) digits += fmt::format("{:08x}", word);
  return digits;
}

}  // namespace quantscope::testing
