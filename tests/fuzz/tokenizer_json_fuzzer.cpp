// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/checkpoint/json_document.h"
#include "core/tokenizer/tokenizer_json.h"

/// Any bytes are either a tokenizer that encodes and decodes any text, here its own file, or a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto tokenizer = build_json_tokenizer(parse_json(bytes), {});
  if (!tokenizer) {
    if (tokenizer.error().message.empty()) __builtin_trap();
    return 0;
  }
  const auto ids = (*tokenizer)->encode({reinterpret_cast<const char*>(data), size});
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= (*tokenizer)->vocabulary_size()) __builtin_trap();
  }
  (*tokenizer)->decode(ids);
  return 0;
}
