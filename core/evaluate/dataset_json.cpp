// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/dataset_json.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <utility>

#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// The largest official files, coqa-train-v1.0.json and train-v2.0.json of SQuAD, have 49 and 42 MB. A hostile file of
/// this size, nothing but empty lists, takes 25 times as much memory.
constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20U;
/// SQuAD's layout needs eight levels; deeper values are dropped unread, so that a hostile file cannot multiply memory.
constexpr int deepest_level = 9;

Result<json> parse_value(std::string_view bytes, std::string_view file, std::size_t line) {
  const auto shallow = [](int depth, json::parse_event_t, json&) { return depth <= deepest_level; };
  const std::string in_line = line > 0 ? fmt::format(", line {}", line) : std::string();
  try {
    return json::parse(bytes, shallow);
  } catch (const json::parse_error& error) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}'{} is not JSON: it cannot be read past byte {}.", file, in_line, error.byte),
                fmt::format("{}{}: byte {}", file, in_line, error.byte), error.what());
  } catch (const json::exception& error) {  // a number beyond the range of double
    return fail(ErrorCode::corrupt_file, fmt::format("'{}'{} is not JSON that can be read.", file, in_line),
                fmt::format("{}{}", file, in_line), error.what());
  }
}

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r\n") == std::string_view::npos; }

/// One object a line: the first line is a whole object and something follows it.
bool is_json_lines(std::string_view bytes) {
  std::string_view rest = bytes;
  const std::string_view line = next_line(rest);
  return line.starts_with('{') && !is_blank(rest) && json::accept(line);
}

Result<json> parse_lines(std::string_view bytes, std::string_view file) {
  json list = json::array();
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::string_view line = next_line(bytes);
    if (is_blank(line)) continue;
    auto value = parse_value(line, file, number);
    if (!value) return value;
    list.push_back(std::move(*value));
  }
  return list;
}

}  // namespace

tl::unexpected<Error> DatasetPlace::wrong(std::string_view field, std::string_view problem) const {
  const std::string field_place = item.empty() ? std::string(field) : fmt::format("{}, {}", item, field);
  return fail(ErrorCode::corrupt_file,
              fmt::format("'{}' does not follow {}'s layout: {} {}.", file, layout, field_place, problem),
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
  const std::string name = path.string();
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorCode::not_found, fmt::format("'{}' does not exist; choose another dataset file.", name), name);
  }
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a file; choose a dataset file.", name), name);
  }
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  std::ifstream file(path, std::ios::binary);
  if (problem || !file) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be opened; check its permissions.", name), name);
  }
  if (size > largest_file) {
    return fail(ErrorCode::unsupported,
                fmt::format("'{}' has {} bytes and a dataset may have at most {}; choose a smaller file.", name, size,
                            largest_file),
                name);
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return fail(ErrorCode::io, fmt::format("'{}' cannot be read; it may have been changed meanwhile.", name), name);
  }
  return bytes;
}

Result<json> parse_dataset_json(std::string_view bytes, std::string_view file) {
  if (bytes.empty()) return fail(ErrorCode::corrupt_file, fmt::format("'{}' is empty.", file), std::string(file));
  if (const auto invalid = find_invalid_utf8(bytes)) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("'{}' is not UTF-8 text: byte {} does not belong to a character; save the file as UTF-8.",
                            file, *invalid),
                fmt::format("{}: byte {}", file, *invalid));
  }
  if (is_json_lines(bytes)) return parse_lines(bytes, file);
  return parse_value(bytes, file, 0);
}

void finish_dataset(QaDataset& dataset, std::string_view bytes) {
  const auto single = [](const QaQuestion& question) { return question.references.size() < 2; };
  dataset.single_reference = std::ranges::all_of(
      dataset.stories, [&](const QaStory& story) { return std::ranges::all_of(story.questions, single); });
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  for (const unsigned char byte : canonical.digest) dataset.hash += fmt::format("{:02x}", byte);
}

std::string left_out(const std::vector<std::string>& names, std::string_view why) {
  if (names.empty()) return {};
  const std::size_t shown = std::min<std::size_t>(names.size(), 5);
  return fmt::format("{} question{} left out, {}: {}{}.", names.size(), names.size() == 1 ? " was" : "s were", why,
                     fmt::join(std::span(names).first(shown), ", "), shown < names.size() ? ", ..." : "");
}

}  // namespace quantscope
