// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/tokenizer/tokenizer.h"

namespace {

using quantscope::GgufVocabulary;

/// The next line of the input.
std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

/// A vocabulary from lines: model, pre-tokenizer, a letter for each flag, then one token a line with its type and score
/// as first letters; merges behind an empty line.
GgufVocabulary read_vocabulary(std::string_view rest) {
  GgufVocabulary vocabulary;
  vocabulary.model = take_line(rest);
  vocabulary.pre = take_line(rest);
  const std::string_view flags = take_line(rest);
  vocabulary.add_space_prefix = flags.find('p') != std::string_view::npos;
  vocabulary.add_bos = flags.find('b') != std::string_view::npos;
  vocabulary.bos_id = static_cast<std::int32_t>(flags.size());
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.size() < 2) break;
    vocabulary.token_types.push_back(line[0] - '0');
    vocabulary.scores.push_back(static_cast<float>(line[1]));
    vocabulary.tokens.emplace_back(line.substr(2));
  }
  while (!rest.empty()) vocabulary.merges.emplace_back(take_line(rest));
  return vocabulary;
}

}  // namespace

/// Any vocabulary either encodes and decodes any text, here its own file, or is refused with a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = Tokenizer::from_gguf(read_vocabulary(bytes));
  if (!tokenizer) {
    if (tokenizer.error().message.empty()) __builtin_trap();
    return 0;
  }
  const auto ids = (*tokenizer)->encode(bytes);
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= (*tokenizer)->vocabulary_size()) __builtin_trap();
  }
  (*tokenizer)->decode(ids);
  return 0;
}
