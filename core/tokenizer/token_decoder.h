// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/text_pattern.h"

namespace quantscope {

/// Byte-level text becomes bytes; all tokens become one.
struct DecodeByteLevel {};
/// Runs of "<0x0A>" become their bytes, or one U+FFFD for each byte of a run that is not valid UTF-8 as a whole.
struct DecodeByteFallback {};
/// All tokens become one.
struct DecodeFuse {};
/// Removes up to so many of a character (as UTF-8) from the start and the end of each token.
struct DecodeStrip {
  std::string character;
  std::size_t start = 0, stop = 0;
};
struct DecodeReplace {
  TextPattern pattern;
  std::string content;
};
/// The replacement becomes a space; in the first token it goes unless `prepend` is never.
struct DecodeMetaspace {
  std::string replacement;
  PrependScheme prepend = PrependScheme::always;
};

/// Tokens as the vocabulary spells them to text: steps in order, then one after the other. Source:
/// tokenizers/src/decoders of Hugging Face tokenizers.
class TokenDecoder {
 public:
  using Step =
      std::variant<DecodeByteLevel, DecodeByteFallback, DecodeFuse, DecodeStrip, DecodeReplace, DecodeMetaspace>;

  void add(Step step);
  /// True if joining the bytes of all tokens is all there is to do.
  bool only_byte_level() const;
  /// Valid UTF-8. Without any step tokens are joined by spaces.
  std::string decode(std::vector<std::string> tokens) const;
  /// The bytes a token stands for by itself, as far as its place in the text does not matter.
  std::string token_bytes(std::string_view token) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace quantscope
