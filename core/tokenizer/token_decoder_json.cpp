// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/token_decoder_json.h"

#include "core/tokenizer/json_fields.h"
#include "core/tokenizer/json_parts.h"
#include "core/tokenizer/pre_tokenizer_json.h"

namespace quantscope {
namespace {

using nlohmann::json;

Result<TokenDecoder::Step> read_replace(const json& value) {
  Result<TextPattern> pattern = read_pattern(json_field(value, "pattern"), "Replace decoder");
  if (!pattern) return tl::unexpected(pattern.error());
  Result<std::string> content = read_insert(value, "content", "Replace decoder");
  if (!content) return tl::unexpected(content.error());
  return DecodeReplace{std::move(*pattern), std::move(*content)};
}

Result<TokenDecoder::Step> read_strip(const json& value) {
  const std::optional<std::int32_t> start = json_token_id(json_field(value, "start"));
  const std::optional<std::int32_t> stop = json_token_id(json_field(value, "stop"));
  const std::string character(json_text(value, "content"));
  if (!start || !stop || character.empty()) {
    return fail(ErrorCode::corrupt_file,
                "A Strip decoder lacks its content, start or stop; get the tokenizer's files again.");
  }
  return DecodeStrip{character, static_cast<std::size_t>(*start), static_cast<std::size_t>(*stop)};
}

Result<TokenDecoder::Step> read_metaspace(const json& value) {
  const Result<PrependScheme> scheme = read_prepend_scheme(value);
  if (!scheme) return tl::unexpected(scheme.error());
  Result<std::string> mark = read_space_mark(value);
  if (!mark) return tl::unexpected(mark.error());
  return DecodeMetaspace{std::move(*mark), *scheme};
}

Result<TokenDecoder::Step> read_step(const json& value) {
  const std::string_view type = json_text(value, "type");
  if (type == "ByteLevel") return DecodeByteLevel{};
  if (type == "ByteFallback") return DecodeByteFallback{};
  if (type == "Fuse") return DecodeFuse{};
  if (type == "Strip") return read_strip(value);
  if (type == "Replace") return read_replace(value);
  if (type == "Metaspace") return read_metaspace(value);
  return refuse_part("decoder", type);
}

}  // namespace

Result<TokenDecoder> read_token_decoder(const json& value) {
  const auto parts = sequence_parts(value, "decoders", "decoder");
  if (!parts) return tl::unexpected(parts.error());
  TokenDecoder decoder;
  for (const json* part : *parts) {
    Result<TokenDecoder::Step> step = read_step(*part);
    if (!step) return tl::unexpected(step.error());
    decoder.add(std::move(*step));
  }
  return decoder;
}

}  // namespace quantscope
