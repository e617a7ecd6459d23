// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <fstream>

#include "core/tokenizer/gguf_tokenizer.h"
#include "core/tokenizer/tokenizer_json.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

/// The largest tokenizer.json in use is some 35 MB.
constexpr std::uintmax_t kLargestFile = std::uintmax_t{512} << 20U;

Result<std::string> read_text(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (error) {
    return fail(ErrorCode::not_found, fmt::format("{} cannot be read ({}).", path.string(), error.message()),
                path.string());
  }
  if (bytes > kLargestFile) {
    return fail(ErrorCode::unsupported, fmt::format("{} is too large for a tokenizer.", path.string()), path.string());
  }
  std::string text(static_cast<std::size_t>(bytes), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(bytes))) {
    return fail(ErrorCode::io, fmt::format("{} cannot be read; check its permissions.", path.string()), path.string());
  }
  return text;
}

Error with_file(Error error, const fs::path& path) {
  error.message = fmt::format("{}: {}", path.string(), error.message);
  error.where = path.string();
  return error;
}

/// From the tokenizer_config.json beside tokenizer.json, which need not exist.
Result<SpecialTokenNames> read_special_names(const fs::path& folder) {
  const fs::path path = folder / "tokenizer_config.json";
  if (!fs::exists(path)) return SpecialTokenNames{};
  const Result<std::string> text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  return parse_tokenizer_config(*text).map_error([&](Error error) { return with_file(std::move(error), path); });
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
    return fail(ErrorCode::unsupported,
                fmt::format("{} has a tokenizer.model only: SentencePiece-style vocabularies are not supported yet.",
                            file.parent_path().string()),
                file.string());
  }
  const Result<std::string> text = read_text(file);
  if (!text) return tl::unexpected(text.error());
  const Result<SpecialTokenNames> names = read_special_names(file.parent_path());
  if (!names) return tl::unexpected(names.error());
  return parse_tokenizer_json(*text, *names).map_error([&](Error error) { return with_file(std::move(error), file); });
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_gguf(const GgufVocabulary& vocabulary) {
  return build_gguf_tokenizer(vocabulary);
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::of(const Checkpoint& checkpoint) {
  return std::visit(FromSource{}, checkpoint.tokenizer());
}

}  // namespace quantscope
