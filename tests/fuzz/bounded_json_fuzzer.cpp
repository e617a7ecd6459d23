// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/input/bounded_json.h"

namespace {

/// Lists and objects inside each other, at most.
std::size_t depth_of(const nlohmann::json& value) {
  std::size_t deepest = 0;
  if (!value.is_structured()) return 0;
  for (const nlohmann::json& member : value) deepest = std::max(deepest, depth_of(member));
  return deepest + 1;
}

}  // namespace

/// The look before parsing must see depth and values as the parser does: what is read keeps to the limits, and what
/// the parser would read within them is not refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const quantscope::JsonLimits limits = {.depth = 8, .values = 64};
  const auto read = quantscope::parse_bounded_json(text, "fuzz.json", limits);
  if (read && (depth_of(*read) > limits.depth || read->flatten().size() > limits.values)) __builtin_trap();
  if (!read && read.error().message.empty()) __builtin_trap();
  if (text.find('\0') != std::string_view::npos) {  // nlohmann's parser would stop there and be content
    if (read) __builtin_trap();
    return 0;
  }
  if (size > limits.values) return 0;
  std::size_t deepest = 0;
  const auto look = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json&) {
    using Event = nlohmann::json::parse_event_t;
    const bool opens = event == Event::array_start || event == Event::object_start;
    if (opens) deepest = std::max(deepest, static_cast<std::size_t>(depth) + 1);
    return true;
  };
  const nlohmann::json whole = nlohmann::json::parse(text, look, false);
  if (!whole.is_discarded() && deepest <= limits.depth && !read) __builtin_trap();
  return 0;
}
