// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include "core/checkpoint/json_document.h"
#include "core/tokenizer/gguf_tokenizer.h"
#include "core/tokenizer/tokenizer_json.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

Error with_file(Error error, const fs::path& path) {
  error.message = fmt::format("{}: {}", path.string(), error.message);
  error.where = path.string();
  return error;
}

/// From the tokenizer_config.json beside tokenizer.json, which need not exist.
Result<SpecialTokenNames> special_names_beside(const fs::path& tokenizer_file) {
  const fs::path path = tokenizer_file.parent_path() / "tokenizer_config.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return SpecialTokenNames{};
  return open_json(path).map([](const JsonDocument& config) { return read_special_names(config.root); });
}

struct FromSource {
  Result<std::shared_ptr<const Tokenizer>> operator()(std::monostate) const {
    return fail(ErrorCode::not_found, "The checkpoint has no tokenizer; put its tokenizer.json into the same folder.");
  }
  Result<std::shared_ptr<const Tokenizer>> operator()(const fs::path& path) const { return Tokenizer::from_json(path); }
  Result<std::shared_ptr<const Tokenizer>> operator()(const GgufVocabulary& vocabulary) const {
    return Tokenizer::from_gguf(vocabulary);
  }
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_json(const fs::path& path) {
  std::error_code ignored;
  const fs::path file = fs::is_directory(path, ignored) ? path / "tokenizer.json" : path;
  if (!fs::exists(file, ignored) && fs::exists(file.parent_path() / "tokenizer.model", ignored)) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("{} has a tokenizer.model only, which is not read; add the tokenizer.json of the same model.",
                    file.parent_path().string()),
        file.string());
  }
  const Result<JsonDocument> document = open_json(file);
  if (!document) return tl::unexpected(document.error());
  const Result<SpecialTokenNames> names = special_names_beside(file);
  if (!names) return tl::unexpected(names.error());
  return build_json_tokenizer(document->root, *names).map_error([&](Error error) {
    return with_file(std::move(error), file);
  });
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  return build_gguf_tokenizer(vocabulary);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return *encode(text, options, std::stop_token());  // only a stop makes it fail
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::of(const Checkpoint& checkpoint) {
  return std::visit(FromSource{}, checkpoint.tokenizer());
}

}  // namespace quantscope
