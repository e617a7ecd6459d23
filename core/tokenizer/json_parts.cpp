// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/json_parts.h"

#include <fmt/format.h>

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

tl::unexpected<Error> refuse_part(std::string_view component, std::string_view type) {
  return fail(ErrorCode::unsupported,
              fmt::format("The {} \"{}\" is not supported: only byte-level BPE tokenizers are; SentencePiece-style "
                          "vocabularies are not supported yet.",
                          component, type.empty() ? "(none)" : type.substr(0, 80)));
}

}  // namespace quantscope
