// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/normalizer_json.h"

#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"

namespace quantscope {
namespace {

using nlohmann::json;

std::optional<NormalForm> form_named(std::string_view type) {
  if (type == "NFC") return NormalForm::nfc;
  if (type == "NFD") return NormalForm::nfd;
  if (type == "NFKC") return NormalForm::nfkc;
  if (type == "NFKD") return NormalForm::nfkd;
  return std::nullopt;
}

Result<Normalizer::Step> read_replace(const json& value) {
  Result<TextPattern> pattern = read_pattern(json_field(value, "pattern"), "Replace normalizer");
  if (!pattern) return tl::unexpected(pattern.error());
  Result<std::string> content = read_insert(value, "content", "Replace normalizer");
  if (!content) return tl::unexpected(content.error());
  return ReplaceText{std::move(*pattern), std::move(*content)};
}

Result<Normalizer::Step> read_prepend(const json& value) {
  return read_insert(value, "prepend", "Prepend normalizer").map([](std::string text) -> Normalizer::Step {
    return PrependText{std::move(text)};
  });
}

Result<Normalizer::Step> read_step(const json& value) {
  const std::string_view type = json_text(value, "type");
  if (const std::optional<NormalForm> form = form_named(type)) return *form;
  if (type == "Lowercase") return LowercaseText{};
  if (type == "Strip") return StripSpace{json_flag(value, "strip_left", true), json_flag(value, "strip_right", true)};
  if (type == "Prepend") return read_prepend(value);
  if (type == "Replace") return read_replace(value);
  return refuse_part("normalizer", type);
}

}  // namespace

Result<Normalizer> read_normalizer(const json& value) {
  const auto parts = sequence_parts(value, "normalizers", "normalizer");
  if (!parts) return tl::unexpected(parts.error());
  Normalizer normalizer;
  for (const json* part : *parts) {
    Result<Normalizer::Step> step = read_step(*part);
    if (!step) return tl::unexpected(step.error());
    normalizer.add(std::move(*step));
  }
  return normalizer;
}

}  // namespace quantscope
