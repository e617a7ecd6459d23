// SPDX-License-Identifier: GPL-3.0-or-later
#include <benchmark/benchmark.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "core/tokenizer/tokenizer.h"
#include "tests/support/reference_data.h"

/// Times encoding on one core with published vocabularies: WikiText-2's test set, and texts made to be slow. Compare
/// CPU time, not real time, on a machine with other work.
namespace quantscope {
namespace {

constexpr std::array kTokenizers{"llama3_2", "qwen2_5", "smollm_135m", "mistral_7b_v01"};
constexpr std::array kTexts{"WikiText-2", "one letter", "spaces", "one emoji", "newlines", "random letters"};

std::string text_named(std::string_view name) {
  constexpr std::size_t size = 1'000'000;
  if (name == "one letter") return std::string(size, 'a');
  if (name == "spaces") return std::string(size, ' ');
  if (name == "newlines") return std::string(size, '\n');
  std::string text;
  while (name == "one emoji" && text.size() < size) text += "\U0001F600";
  for (unsigned state = 1; name == "random letters" && text.size() < size;) {
    state = state * 1664525U + 1013904223U;
    text.push_back(static_cast<char>('a' + (state >> 16U) % 26));
  }
  if (!text.empty()) return text;
  std::ifstream file(testing::shared_folder() / "data/wikitext2/wiki.test.raw", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void encode(benchmark::State& state) {
  const std::string name = kTokenizers.at(static_cast<std::size_t>(state.range(0)));
  const std::string text = text_named(kTexts.at(static_cast<std::size_t>(state.range(1))));
  const auto tokenizer = Tokenizer::from_json(testing::shared_folder() / "data/tokenizers" / name);
  if (!tokenizer || text.empty()) {
    state.SkipWithError("the reference data are missing");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize((*tokenizer)->encode(text, {.add_special = false}));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetLabel(name + ", " + kTexts.at(static_cast<std::size_t>(state.range(1))));
}
BENCHMARK(encode)
    ->ArgsProduct({benchmark::CreateDenseRange(0, kTokenizers.size() - 1, 1),
                   benchmark::CreateDenseRange(0, kTexts.size() - 1, 1)})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quantscope

BENCHMARK_MAIN();
