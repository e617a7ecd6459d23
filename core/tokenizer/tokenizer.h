// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "kernels/error.h"

namespace quantscope {

struct EncodeOptions {
  bool add_special = true;    ///< add BOS (and EOS) as the tokenizer's own rule says
  bool parse_special = true;  ///< special tokens written in the text become their id
};

/// Text to ids and back. Immutable and safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// From a tokenizer.json file (Hugging Face tokenizers format) or a folder that holds one.
  static Result<std::shared_ptr<const Tokenizer>> from_json(const std::filesystem::path& path);
  /// From a GGUF vocabulary; the pre-tokenizer is chosen by its `pre` name.
  static Result<std::shared_ptr<const Tokenizer>> from_gguf(const GgufVocabulary& vocabulary);
  /// Whichever the checkpoint carries; not_found if it has none.
  static Result<std::shared_ptr<const Tokenizer>> of(const Checkpoint& checkpoint);

  /// Ids of UTF-8 text. Invalid UTF-8 is replaced by U+FFFD, one per maximal invalid part.
  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// The same for long texts: `cancelled` soon after a stop was requested, whatever it is at.
  virtual Result<std::vector<std::int32_t>> encode(std::string_view text, const EncodeOptions& options,
                                                   const std::stop_token& stop) const = 0;
  /// UTF-8 text; bytes that do not form a character become U+FFFD. Ids out of range are left out.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const = 0;
  /// The raw bytes of one id (may be part of a character).
  virtual std::string piece(std::int32_t id) const = 0;

  virtual std::int32_t vocabulary_size() const = 0;
  virtual std::optional<std::int32_t> bos_id() const = 0;
  virtual std::optional<std::int32_t> eos_id() const = 0;
  /// True when encode() with add_special puts BOS first.
  virtual bool adds_bos() const = 0;
  virtual bool is_special(std::int32_t id) const = 0;
};

}  // namespace quantscope
