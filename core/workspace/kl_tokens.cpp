// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/kl_tokens.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

namespace quantscope {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<double HeadPair::*, 3> figures = {&HeadPair::base_log_probability, &HeadPair::log_probability,
                                                       &HeadPair::divergence};
constexpr std::int64_t most_positions = 1 << 20;  // far more than a window has; the length cannot overflow

std::size_t length_of(std::size_t positions) {
  return positions * figures.size() * sizeof(double) + (positions + 7) / 8;
}

std::byte bit_of(std::size_t position) { return std::byte{1} << (position % 8); }

}  // namespace

std::vector<std::byte> bytes_of_kl_tokens(std::span<const HeadPair> tokens) {
  std::vector<std::byte> bytes(length_of(tokens.size()));
  std::byte* next = bytes.data();
  for (const auto figure : figures) {
    for (const HeadPair& token : tokens) {
      std::memcpy(next, &(token.*figure), sizeof(double));
      next += sizeof(double);
    }
  }
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].same_top) next[i / 8] |= bit_of(i);
  return bytes;
}

Result<std::vector<HeadPair>> kl_tokens_of_bytes(std::span<const std::byte> bytes, std::int64_t scored) {
  if (scored < 1 || scored > most_positions)
    return fail(ErrorCode::corrupt_file, fmt::format("it claims {} scored tokens", scored));
  const auto positions = static_cast<std::size_t>(scored);
  if (bytes.size() != length_of(positions))
    return fail(ErrorCode::corrupt_file, fmt::format("its tokens take {} bytes, {} scored tokens take {}", bytes.size(),
                                                     scored, length_of(positions)));
  std::vector<HeadPair> tokens(positions);
  const std::byte* next = bytes.data();
  for (const auto figure : figures) {
    for (HeadPair& token : tokens) {
      std::memcpy(&(token.*figure), next, sizeof(double));
      next += sizeof(double);
    }
  }
  for (std::size_t i = 0; i < positions; ++i) tokens[i].same_top = (next[i / 8] & bit_of(i)) != std::byte{0};
  for (std::size_t i = positions; i % 8 != 0; ++i)
    if ((next[i / 8] & bit_of(i)) != std::byte{0})
      return fail(ErrorCode::corrupt_file, "its tokens have bits behind the last one");
  return tokens;
}

}  // namespace quantscope
