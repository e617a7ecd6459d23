// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/input/utf8.h"
#include "core/tokenizer/chat_template.h"

/// Any bytes are either a template that writes valid UTF-8 for a conversation, or a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  static const nlohmann::ordered_json conversation = nlohmann::ordered_json::parse(R"({"messages": [
    {"role": "system", "content": " s "}, {"role": "user", "content": "\u00e9<think>"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1.5}}}]},
    {"role": "tool", "content": "x"}], "tools": [{"function": {"name": "f", "parameters": {"type": "object"}}}]})");
  const auto chat = ChatTemplate::parse({reinterpret_cast<const char*>(data), size}, {{"bos_token", "<s>"}});
  const auto text = chat ? chat->render(conversation, true) : tl::unexpected(chat.error());
  if (!text && text.error().message.empty()) __builtin_trap();
  if (text && !is_utf8(*text)) __builtin_trap();
  return 0;
}
