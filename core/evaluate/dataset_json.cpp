// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/dataset_json.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <span>
#include <utility>

#include "core/input/bounded_file.h"
#include "core/input/bounded_json.h"
#include "core/input/utf8.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// The largest official files, coqa-train-v1.0.json and train-v2.0.json of SQuAD, have 49 and 42 MB.
constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20U;
/// Several times what those files hold; so many take some 700 MB of memory at worst.
constexpr JsonLimits dataset_limits = {.values = 8'000'000};
/// SQuAD's layout needs eight levels; deeper values are dropped unread.
constexpr std::size_t deepest_level = 9;

/// `line` is 0 for a whole file.
Result<json> parse_value(std::string_view bytes, std::string_view file, std::size_t line, const std::stop_token& stop) {
  const std::string name = line > 0 ? fmt::format("'{}', line {}", file, line) : fmt::format("'{}'", file);
  return parse_bounded_json(bytes, name, dataset_limits, {.deepest = deepest_level}, stop);
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// The first line that is not blank, which is taken off `rest` with those before it.
std::string_view next_filled_line(std::string_view& rest) {
  std::string_view line = next_line(rest);
  while (is_blank(line) && !rest.empty()) line = next_line(rest);
  return line;
}

bool is_object(std::string_view line) { return line.starts_with('{') && json::accept(line); }

/// One object a line: the first line is a whole object and something follows it.
bool is_json_lines(std::string_view bytes) {
  const std::string_view line = next_filled_line(bytes);
  return !is_blank(bytes) && is_object(line);
}

/// Of a file that is not JSON: the line behind the first is a whole object, so that only its lines can be meant.
bool has_broken_first_line(std::string_view bytes) {
  next_filled_line(bytes);
  return is_object(next_filled_line(bytes));
}

Result<json> parse_lines(std::string_view bytes, std::string_view file, const std::stop_token& stop) {
  const JsonLimits all_lines = {std::string_view::npos, dataset_limits.values};
  if (const auto counted = count_json_values(bytes, fmt::format("'{}'", file), all_lines); !counted)
    return tl::unexpected(counted.error());
  json list = json::array();
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::string_view line = next_line(bytes);
    if (is_blank(line)) continue;
    auto value = parse_value(line, file, number, stop);
    if (!value) return value;
    list.push_back(std::move(*value));
  }
  return list;
}

}  // namespace

tl::unexpected<Error> DatasetPlace::wrong(std::string_view field, std::string_view problem) const {
  const std::string field_place = item.empty() ? std::string(field) : fmt::format("{}, {}", item, field);
  return fail(ErrorCode::corrupt_file,
              fmt::format("'{}' does not follow the layout of {}: {} {}.", file, layout, field_place, problem),
              fmt::format("{}: {}", file, field_place));
}

std::string_view kind_of(const json& value) {
  switch (value.type()) {
    case json::value_t::object: return "an object";
    case json::value_t::array: return "a list";
    case json::value_t::string: return "text";
    case json::value_t::boolean: return "true or false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: return "a number";
    default: return "null";
  }
}

const json* member(const json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> required_text(const json& object, std::string_view key, std::string_view field,
                                  const DatasetPlace& place) {
  const json* value = member(object, key);
  if (value == nullptr) return place.wrong(field, "is missing");
  if (!value->is_string()) return place.wrong(field, fmt::format("must be text and is {}", kind_of(*value)));
  return value->get<std::string>();
}

Result<std::string> optional_text(const json& object, std::string_view key, std::string_view field,
                                  const DatasetPlace& place) {
  const json* value = member(object, key);
  if (value == nullptr || value->is_null()) return std::string();
  return required_text(object, key, field, place);
}

Result<std::vector<std::string>> texts_of(const json& value, std::string_view field, const DatasetPlace& place) {
  if (!value.is_array()) return place.wrong(field, fmt::format("must be a list and is {}", kind_of(value)));
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const json& text : value) {
    if (!text.is_string())
      return place.wrong(fmt::format("{}[{}]", field, texts.size()),
                         fmt::format("must be text and is {}", kind_of(text)));
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<std::string> read_dataset_bytes(const std::filesystem::path& path) {
  return read_bounded_file(path, largest_file, "dataset file");
}

Result<json> parse_dataset_json(std::string_view bytes, std::string_view file, const std::stop_token& stop) {
  if (bytes.empty()) return fail(ErrorCode::corrupt_file, fmt::format("'{}' is empty.", file), std::string(file));
  const auto valid = valid_utf8_prefix(bytes, stop);
  if (!valid) return tl::unexpected(valid.error());
  if (*valid < bytes.size())
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}' is not UTF-8 text: byte {} does not belong to a character; save the file as UTF-8.",
                            file, *valid),
                fmt::format("{}: byte {}", file, *valid));
  const std::string_view lines = bytes.substr(bytes.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
  if (is_json_lines(lines)) return parse_lines(lines, file, stop);
  auto value = parse_value(bytes, file, 0, stop);
  const bool broken = !value && value.error().code == ErrorCode::corrupt_file;
  if (broken && has_broken_first_line(lines)) return parse_lines(lines, file, stop);
  return value;
}

void finish_dataset(QaDataset& dataset, std::string_view bytes) {
  const auto single = [](const QaQuestion& question) { return question.references.size() < 2; };
  dataset.single_reference = std::ranges::all_of(
      dataset.stories, [&](const QaStory& story) { return std::ranges::all_of(story.questions, single); });
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  for (const unsigned char byte : canonical.digest) dataset.hash += fmt::format("{:02x}", byte);
}

std::string first_names(const std::vector<std::string>& names) {
  const std::size_t shown = std::min<std::size_t>(names.size(), 5);
  return fmt::format("{}{}", fmt::join(std::span(names).first(shown), ", "), shown < names.size() ? ", ..." : "");
}

std::string left_out(const std::vector<std::string>& names, std::string_view why, std::string_view what) {
  if (names.empty()) return {};
  return fmt::format("{} {}{} left out, {}: {}.", names.size(), what, names.size() == 1 ? " was" : "s were", why,
                     first_names(names));
}

}  // namespace quantscope
