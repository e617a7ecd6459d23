// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/split_patterns.h"

#include <algorithm>
#include <array>

namespace quantscope {
namespace {

constexpr std::array kGpt2{kGpt2Split};
constexpr std::array kDigitsThenGpt2{kSingleDigit, kGpt2Split};
constexpr std::array kLlama3{kLlama3Split};
constexpr std::array kQwen2{kQwen2Split};

// Names and groups as in llama.cpp's llama-vocab.cpp.
constexpr NamedPreTokenizer kNamed[] = {
    {.name = "gpt-2", .splits = kGpt2},
    {.name = "smollm", .splits = kDigitsThenGpt2},
    {.name = "starcoder", .splits = kDigitsThenGpt2},
    {.name = "llama-bpe", .splits = kLlama3, .ignore_merges = true, .adds_bos = true},
    {.name = "llama3", .splits = kLlama3, .ignore_merges = true, .adds_bos = true},
    {.name = "llama-v3", .splits = kLlama3, .ignore_merges = true, .adds_bos = true},
    {.name = "qwen2", .splits = kQwen2, .nfc = true},
    {.name = "deepseek-r1-qwen", .splits = kQwen2, .nfc = true},
};

}  // namespace

std::span<const NamedPreTokenizer> named_pre_tokenizers() { return kNamed; }

const NamedPreTokenizer* find_named_pre_tokenizer(std::string_view name) {
  const auto* found = std::ranges::find(kNamed, name, &NamedPreTokenizer::name);
  return found == std::end(kNamed) ? nullptr : found;
}

}  // namespace quantscope
