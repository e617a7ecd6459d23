// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/post_processor_json.h"

#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"

namespace quantscope {
namespace {

using nlohmann::json;

tl::unexpected<Error> malformed_template() {
  return fail(ErrorCode::corrupt_file, "The post_processor's template is malformed; get the tokenizer's files again.");
}

/// Appends the ids of the special token that a template calls by name.
bool append_special(const json& part, const json& special_tokens, std::vector<std::int32_t>& ids) {
  const std::string name(json_text(part, "id"));
  const json& listed = json_field(json_field(special_tokens, name.c_str()), "ids");
  for (const json& value : listed) {
    const std::optional<std::int32_t> id = json_token_id(value);
    if (!id) return false;
    ids.push_back(*id);
  }
  return !listed.empty();
}

/// The frame of one template: what its `single` list has before and after the text.
Result<TextFrame> read_template(const json& value) {
  TextFrame frame;
  bool after_text = false;
  for (const json& part : json_field(value, "single")) {
    if (part.contains("Sequence")) {
      if (after_text) return malformed_template();
      after_text = true;
      continue;
    }
    std::vector<std::int32_t>& ids = after_text ? frame.suffix : frame.prefix;
    if (!append_special(json_field(part, "SpecialToken"), json_field(value, "special_tokens"), ids)) {
      return malformed_template();
    }
  }
  if (!after_text) return malformed_template();
  return frame;
}

/// {"cls": ["<s>", 0], "sep": ["</s>", 2]}: the id of `name`.
bool append_named(const json& value, const char* name, std::vector<std::int32_t>& ids) {
  const json& pair = json_field(value, name);
  if (!pair.is_array() || pair.size() != 2) return false;
  const std::optional<std::int32_t> id = json_token_id(pair[1]);
  if (id) ids.push_back(*id);
  return id.has_value();
}

/// RobertaProcessing and BertProcessing: cls, text, sep.
Result<TextFrame> read_enclosing(const json& value) {
  TextFrame frame;
  if (!append_named(value, "cls", frame.prefix) || !append_named(value, "sep", frame.suffix)) {
    return malformed_template();
  }
  return frame;
}

}  // namespace

Result<TextFrame> read_post_processor(const json& value) {
  const auto parts = sequence_parts(value, "processors", "post_processor");
  if (!parts) return tl::unexpected(parts.error());
  TextFrame frame;
  for (const json* part : *parts) {
    const std::string_view type = json_text(*part, "type");
    if (type == "ByteLevel") continue;
    const bool encloses = type == "RobertaProcessing" || type == "BertProcessing";
    if (!encloses && type != "TemplateProcessing") return refuse_part("post_processor", type);
    Result<TextFrame> outer = encloses ? read_enclosing(*part) : read_template(*part);
    if (!outer) return outer;
    frame.prefix.insert(frame.prefix.begin(), outer->prefix.begin(), outer->prefix.end());
    frame.suffix.insert(frame.suffix.end(), outer->suffix.begin(), outer->suffix.end());
  }
  return frame;
}

}  // namespace quantscope
