// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

namespace quantscope {

/// GPT-2's split (encoder.py), which the ByteLevel pre-tokenizer of tokenizer.json applies under `use_regex`.
inline constexpr std::string_view kGpt2Split =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
/// One numeric character, which the Digits pre-tokenizer cuts off under `individual_digits`.
inline constexpr std::string_view kSingleDigit = R"(\p{N})";
/// A run of numeric characters, which it cuts off otherwise.
inline constexpr std::string_view kDigitRun = R"(\p{N}+)";
/// One punctuation character, for the Punctuation pre-tokenizer: general category P or ASCII punctuation.
inline constexpr std::string_view kPunctuation = R"([\p{P}$+<=>^`|~])";
/// What the Whitespace pre-tokenizer keeps.
inline constexpr std::string_view kWordOrRest = R"(\w+|[^\w\s]+)";
/// Llama 3, as its tokenizer.json has it.
inline constexpr std::string_view kLlama3Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// Qwen 2, as its tokenizer.json has it.
inline constexpr std::string_view kQwen2Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// What a pre-tokenizer name of GGUF (tokenizer.ggml.pre) stands for.
struct NamedPreTokenizer {
  std::string_view name;
  std::span<const std::string_view> splits;  ///< applied in order, matches isolated
  bool ignore_merges = false;                ///< a word that is itself a token is taken whole
  bool adds_bos = false;                     ///< unless tokenizer.ggml.add_bos_token says otherwise
  bool nfc = false;                          ///< the model's own tokenizer normalizes; the GGUF does not say so
};

/// All names known, in the order messages list them.
std::span<const NamedPreTokenizer> named_pre_tokenizers();

/// The entry with this name, or null.
const NamedPreTokenizer* find_named_pre_tokenizer(std::string_view name);

}  // namespace quantscope
