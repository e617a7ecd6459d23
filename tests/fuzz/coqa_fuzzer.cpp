// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/evaluate/dataset.h"

/// Any bytes are either a dataset whose every prompt can be written, or a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  const auto dataset = parse_coqa({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (!dataset) {
    if (dataset.error().message.empty()) __builtin_trap();
    return 0;
  }
  const auto items = choose_items(*dataset, Items::last, Sample{Sample::Kind::random, 2, 1});
  if (!items) __builtin_trap();
  for (const QaItem& item : *items) {
    if (coqa_prompt(dataset->stories[item.story], item.question).empty()) __builtin_trap();
  }
  return 0;
}
