// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/json_parts.h"

#include <fmt/format.h>

#include "core/input/utf8.h"
#include "core/tokenizer/json_fields.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// Sequences may hold sequences; no file needs more, and each level takes stack.
constexpr int kDeepestSequence = 8;

/// The parts of a possibly nested Sequence in order; `list` is the name of its array. False if nested too deeply.
bool flatten(const json& value, const char* list, int depth, std::vector<const json*>& parts) {
  if (json_text(value, "type") != "Sequence") {
    if (!value.is_null()) parts.push_back(&value);
    return true;
  }
  if (depth == kDeepestSequence) return false;
  for (const json& part : json_field(value, list)) {
    if (!flatten(part, list, depth + 1, parts)) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<const json*>> sequence_parts(const json& value, const char* list, const char* component) {
  std::vector<const json*> parts;
  if (!flatten(value, list, 0, parts)) return refuse_part(component, "Sequence of sequences");
  return parts;
}

Result<TextPattern> read_pattern(const json& value, std::string_view owner) {
  const bool literal = value.contains("String");
  const std::string_view text = json_text(value, literal ? "String" : "Regex");
  if (text.empty()) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("A {} lacks its pattern; get the tokenizer's files again.", owner));
  }
  return literal ? TextPattern::literal(text) : TextPattern::expression(text);
}

Result<std::string> read_insert(const json& object, const char* name, std::string_view owner) {
  constexpr std::size_t longest = 256;
  const std::string_view text = json_text(object, name);
  if (text.size() > longest) return refuse_part(owner, fmt::format("with a {} of {} bytes", name, text.size()));
  return std::string(text);
}

Result<std::string> read_space_mark(const json& object) {
  const std::string_view mark = json_text(object, "replacement");
  if (mark.empty()) return "\u2581";
  const Utf8Part first = first_utf8_part(mark);
  if (!first.valid || first.length != mark.size()) return refuse_part("replacement of Metaspace", mark);
  return std::string(mark);
}

tl::unexpected<Error> refuse_part(std::string_view component, std::string_view type) {
  return fail(ErrorCode::unsupported, fmt::format("The {} \"{}\" of tokenizer.json is not supported.", component,
                                                  type.empty() ? "(none)" : type.substr(0, 80)));
}

}  // namespace quantscope
