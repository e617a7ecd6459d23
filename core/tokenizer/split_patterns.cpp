// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/split_patterns.h"

#include <algorithm>

namespace quantscope {
namespace {

constexpr std::string_view kGpt2Names[] = {
    "gpt-2",  "phi-2",   "mpt",         "olmo",    "jais",    "trillion", "granite-docling", "gigachat",
    "mellum", "a.x-4.0", "modern-bert", "exaone4", "jina-es", "jina-de",  "jina-v2-es",      "jina-v2-de"};
constexpr std::string_view kDigitsNames[] = {"smollm",    "starcoder", "refact",     "command-r",
                                             "codeshell", "exaone",    "minerva-7b", "mellum2"};
constexpr std::string_view kLlama3Names[] = {"llama-bpe", "llama3",   "llama-v3", "falcon3",     "falcon-h1",
                                             "pixtral",   "midm-2.0", "lfm2",     "jina-v5-nano"};
constexpr std::string_view kLlama3PlainNames[] = {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"};
constexpr std::string_view kQwen2Names[] = {"qwen2", "deepseek-r1-qwen"};
constexpr std::string_view kQwen2PlainNames[] = {"stablelm2", "hunyuan", "solar-open", "megrez",
                                                 "kormo",     "f2llmv2", "grok-2"};
constexpr std::string_view kTekkenNames[] = {"tekken"};
constexpr std::string_view kGpt4oNames[] = {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"};
constexpr std::string_view kQwen35Names[] = {"qwen35"};
constexpr std::string_view kDeepSeek3Names[] = {"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"};
constexpr std::string_view kDeepSeekCoderNames[] = {"deepseek-coder"};

constexpr std::string_view kGpt2[] = {kGpt2Split};
constexpr std::string_view kDigitsThenGpt2[] = {kSingleDigit, kGpt2Split};
constexpr std::string_view kLlama3[] = {kLlama3Split};
constexpr std::string_view kQwen2[] = {kQwen2Split};
constexpr std::string_view kTekken[] = {kTekkenSplit};
constexpr std::string_view kGpt4o[] = {kGpt4oSplit};
constexpr std::string_view kQwen35[] = {kQwen35Split};
constexpr std::string_view kDeepSeek3[] = {kUpToThreeDigits, kHanOrKana, kDeepSeek3Split};
constexpr std::string_view kDeepSeekCoder[] = {kLineBreak, kSpaceAndLetters, kSpaceAndPunctuation, kEastAsian,
                                               kSingleDigit};

// Names and groups as in llama.cpp's llama-vocab.cpp.
constexpr NamedPreTokenizer kNamed[] = {
    {.names = kGpt2Names, .splits = kGpt2},
    {.names = kDigitsNames, .splits = kDigitsThenGpt2},
    {.names = kLlama3Names, .splits = kLlama3, .ignore_merges = true, .adds_bos = true},
    {.names = kLlama3PlainNames, .splits = kLlama3},
    {.names = kQwen2Names, .splits = kQwen2, .nfc = true},
    {.names = kQwen2PlainNames, .splits = kQwen2},
    {.names = kTekkenNames, .splits = kTekken, .ignore_merges = true, .adds_bos = true},
    {.names = kGpt4oNames, .splits = kGpt4o},
    {.names = kQwen35Names, .splits = kQwen35},
    {.names = kDeepSeek3Names, .splits = kDeepSeek3},
    {.names = kDeepSeekCoderNames, .splits = kDeepSeekCoder},
};

}  // namespace

std::span<const NamedPreTokenizer> named_pre_tokenizers() { return kNamed; }

const NamedPreTokenizer* find_named_pre_tokenizer(std::string_view name) {
  const auto* found = std::ranges::find_if(kNamed, [name](const NamedPreTokenizer& named) {
    return std::ranges::find(named.names, name) != named.names.end();
  });
  return found == std::end(kNamed) ? nullptr : found;
}

}  // namespace quantscope
