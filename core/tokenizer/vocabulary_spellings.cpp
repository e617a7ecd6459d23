// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/vocabulary_spellings.h"

#include <fmt/format.h>

#include <algorithm>

namespace quantscope {

Result<std::vector<std::string>> vocabulary_spellings(
    std::span<const std::pair<std::string_view, std::int32_t>> vocabulary, std::span<const AddedToken> added) {
  std::int32_t lowest = 0, highest = -1;
  const auto widen = [&](std::int32_t id) {
    lowest = std::min(lowest, id);
    highest = std::max(highest, id);
  };
  for (const auto& [text, id] : vocabulary) widen(id);
  for (const AddedToken& token : added) widen(token.id);
  const std::size_t tokens = vocabulary.size() + added.size();
  if (lowest < 0 || static_cast<std::size_t>(highest + std::int64_t{1}) > 4 * tokens + 4096) {
    return fail(ErrorCode::corrupt_file,
                fmt::format("The vocabulary of {} tokens has an id of {}; get the tokenizer's files again.", tokens,
                            lowest < 0 ? lowest : highest));
  }
  std::vector<std::string> spellings(static_cast<std::size_t>(highest + std::int64_t{1}));
  for (const auto& [text, id] : vocabulary) spellings[static_cast<std::size_t>(id)] = text;
  for (const AddedToken& token : added) spellings[static_cast<std::size_t>(token.id)] = token.content;
  return spellings;
}

}  // namespace quantscope
