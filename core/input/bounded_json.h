// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <stop_token>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// What JSON of foreign origin may ask for. A value takes up to 85 bytes of memory however short it is written, and
/// each level of lists a place on the parser's stack: the size of a file alone bounds neither.
struct JsonLimits {
  std::size_t depth = 64;           ///< lists and objects inside each other; run.json and SQuAD need 8
  std::size_t values = 16'000'000;  ///< Llama 3.2's tokenizer.json with its merges has 1.1 million
};

/// How many values and names JSON text can hold at most: one more than its commas, brackets and colons outside strings.
/// Reads the text once and keeps nothing. Fails with unsupported and the byte where the limits are exceeded; `name`
/// begins the message. Whether the text is JSON is not looked at.
Result<std::size_t> count_json_values(std::string_view text, std::string_view name, const JsonLimits& limits = {});

/// What becomes of the values of a text while it is read.
struct JsonReading {
  /// Values inside more lists and objects than this are left out.
  std::size_t deepest = std::string_view::npos;
  /// Values that may be held at one time.
  std::size_t kept = std::string_view::npos;
  /// Sees each list and object when it has ended, with the names that lead to it ("" in a list). What it says true to
  /// is left out of what holds it: so a large text is read part by part. An error ends reading.
  std::function<Result<bool>(std::span<const std::string_view> names, nlohmann::json& value)> take = {};
};

/// The one JSON value of a text, built only when the text is within the limits. Errors are corrupt_file, with the byte
/// where the text is not JSON (a zero byte anywhere), unsupported beyond the limits, or those of `reading.take`. A stop
/// is answered between two values, with cancelled.
Result<nlohmann::json> parse_bounded_json(std::string_view text, std::string_view name, const JsonLimits& limits = {},
                                          const JsonReading& reading = {}, const std::stop_token& stop = {});

}  // namespace quantscope
