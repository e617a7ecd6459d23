// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace quantscope::testing {

/// SHA-256 as 64 hex digits, for comparison with hashes in oracle files. Source: FIPS 180-4, section 6.2.
class Sha256 {
 public:
  std::string operator()(std::string_view text) {
    std::string padded(text);
    padded += '\x80';
    while (padded.size() % 64 != 56) padded += '\0';
    const std::uint64_t bits = text.size() * 8;
    for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>((bits >> shift) & 0xFFU);
    for (std::size_t at = 0; at < padded.size(); at += 64) add_block(std::string_view(padded).substr(at, 64));
    std::string hex;
    for (const std::uint32_t word : state_) {
      std::array<char, 9> digits{};
      std::snprintf(digits.data(), digits.size(), "%08x", word);
      hex += digits.data();
    }
    return hex;
  }

 private:
  using Schedule = std::array<std::uint32_t, 64>;

  static Schedule constants() {
    Schedule result{};
    std::size_t found = 0;
    for (int candidate = 2; found < result.size(); ++candidate) {
      bool prime = true;
      for (int d = 2; d * d <= candidate; ++d) prime = prime && candidate % d != 0;
      if (!prime) continue;
      const long double root = std::cbrt(static_cast<long double>(candidate));
      result[found++] = static_cast<std::uint32_t>((root - std::floor(root)) * 4294967296.0L);
    }
    return result;
  }

  static Schedule expand(std::string_view block) {
    Schedule w{};
    for (std::size_t i = 0; i < 64; ++i) w[i / 4] = (w[i / 4] << 8U) | static_cast<unsigned char>(block[i]);
    for (std::size_t i = 16; i < 64; ++i) {
      const std::uint32_t a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3U)) + w[i - 7] +
             (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10U));
    }
    return w;
  }

  void add_block(std::string_view block) {
    static const Schedule k = constants();
    const Schedule w = expand(block);
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
      const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
      const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
      const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> added = {a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += added[i];
  }

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

inline std::string sha256(std::string_view text) { return Sha256()(text); }

}  // namespace quantscope::testing
