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

/// Mistral's Tekken and OpenAI's o200k, as their tokenizer.json have them.
inline constexpr std::string_view kTekkenSplit =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kGpt4oSplit =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// Qwen 3.5, as its tokenizer.json has it.
inline constexpr std::string_view kQwen35Split =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// One to three digits, then runs of Han, hiragana and katakana, then the rest: DeepSeek-V3.
inline constexpr std::string_view kUpToThreeDigits = R"(\p{N}{1,3})";
inline constexpr std::string_view kHanOrKana = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
inline constexpr std::string_view kDeepSeek3Split =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
/// Steps of DeepSeek-Coder.
inline constexpr std::string_view kLineBreak = R"([\r\n])";
inline constexpr std::string_view kSpaceAndLetters = R"(\s?\p{L}+)";
inline constexpr std::string_view kSpaceAndPunctuation = R"(\s?\p{P}+)";
inline constexpr std::string_view kEastAsian = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

/// What pre-tokenizer names of GGUF (tokenizer.ggml.pre) stand for: what llama.cpp does for them.
struct NamedPreTokenizer {
  std::span<const std::string_view> names;
  std::span<const std::string_view> splits;  ///< applied in order, matches isolated
  bool ignore_merges = false;                ///< a word that is itself a token is taken whole
  bool adds_bos = false;                     ///< unless tokenizer.ggml.add_bos_token says otherwise
  bool nfc = false;                          ///< the models' own tokenizers normalize; llama.cpp does not
};

/// All that are known, in the order messages list them.
std::span<const NamedPreTokenizer> named_pre_tokenizers();

/// The entry with this name, or null.
const NamedPreTokenizer* find_named_pre_tokenizer(std::string_view name);

}  // namespace quantscope
