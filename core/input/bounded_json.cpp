// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/bounded_json.h"

#include <fmt/format.h>

#include "core/input/json_builder.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// Behind the quote that ends a string which begins before `at`; the end of the text where there is none.
std::size_t behind_string(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  while (true) {
    const std::size_t quote = text.find('"', at);
    if (quote == std::string_view::npos) return text.size();
    std::size_t backslashes = 0;
    while (quote - backslashes > begin && text[quote - backslashes - 1] == '\\') ++backslashes;
    at = quote + 1;
    if (backslashes % 2 == 0) return at;
  }
}

tl::unexpected<Error> too_much(std::string_view name, std::string_view problem, std::size_t at) {
  return fail(ErrorCode::unsupported, fmt::format("{} {} (byte {}); choose another file.", name, problem, at),
              fmt::format("{}: byte {}", name, at));
}

}  // namespace

Result<std::size_t> count_json_values(std::string_view text, std::string_view name, const JsonLimits& limits) {
  std::size_t depth = 0, values = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char byte = text[at++];
    if (byte == '"') {
      at = behind_string(text, at);
      continue;
    }
    const bool opens = byte == '[' || byte == '{';
    if (opens && ++depth > limits.depth)
      return too_much(name, fmt::format("has lists or objects more than {} levels deep", limits.depth), at - 1);
    if ((byte == ']' || byte == '}') && depth > 0) --depth;
    if ((opens || byte == ',' || byte == ':') && ++values > limits.values)
      return too_much(name, fmt::format("holds more than {} values", limits.values), at - 1);
  }
  return values;
}

Result<json> parse_bounded_json(std::string_view text, std::string_view name, const JsonLimits& limits,
                                const JsonReading& reading, const std::stop_token& stop) {
  if (const auto counted = count_json_values(text, name, limits); !counted) return tl::unexpected(counted.error());
  // The parser takes one for the end and would leave unread what follows; JSON has none, not even in strings.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos) return no_json(name, at + 1, "a zero byte");
  JsonBuilder builder(name, reading, stop);
  json::sax_parse(text, &builder);
  return builder.finish();
}

}  // namespace quantscope
