// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/json_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace quantscope::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(std::optional<std::int64_t> indent, Budget& budget) : indent_(indent), budget_(&budget) {}

  void write(const Value& value, std::size_t level) {
    budget_->spend_steps();
    if (value.list() != nullptr) {
      write_parts(*value.list(), "[]", level, [&](const Value& item) { write(item, level + 1); });
    } else if (value.dict() != nullptr) {
      write_parts(*value.dict(), "{}", level, [&](const Dict::value_type& field) {
        write_text(field.first);
        written += ": ";
        write(field.second, level + 1);
      });
    } else {
      write_scalar(value);
    }
  }

  std::string written;

 private:
  template <class Parts, class Write>
  void write_parts(const Parts& parts, const char* brackets, std::size_t level, Write write_part) {
    written += brackets[0];
    bool first = true;
    for (const auto& part : parts) {
      if (!first) written += indent_ ? "," : ", ";
      first = false;
      break_line(level + 1);
      write_part(part);
    }
    if (!parts.empty()) break_line(level);
    written += brackets[1];
  }

  void break_line(std::size_t level) {
    if (!indent_) return;
    const std::size_t blanks = static_cast<std::size_t>(std::clamp<std::int64_t>(*indent_, 0, 64)) * level;
    budget_->spend_bytes(blanks + 1);
    written += '\n';
    written.append(blanks, ' ');
  }

  void write_scalar(const Value& value) {
    if (value.text() != nullptr) return write_text(*value.text());
    if (value.is_none()) {
      written += "null";
    } else if (const bool* flag = value.boolean()) {
      written += *flag ? "true" : "false";
    } else if (value.is_number()) {
      written += printed(value);
    } else {
      throw Failure{fmt::format("tojson of a {}", value.type_name()), Failure::kNowhere, false};
    }
  }

  void write_text(const std::string& text) {
    budget_->spend_bytes(text.size() + 2);
    written += '"';
    for (const char letter : text) {
      constexpr std::string_view named = "\"\\\n\r\t\f\b", letters = "\"\\nrtfb";
      if (const std::size_t at = named.find(letter); at != std::string_view::npos) {
        written += '\\';
        written += letters[at];
      } else if (static_cast<unsigned char>(letter) < 0x20) {
        written += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
      } else {
        written += letter;
      }
    }
    written += '"';
  }

  std::optional<std::int64_t> indent_;
  Budget* budget_;
};

}  // namespace

std::string json_text(const Value& value, std::optional<std::int64_t> indent, Budget& budget) {
  JsonWriter writer(indent, budget);
  writer.write(value, 0);
  return std::move(writer.written);
}

}  // namespace quantscope::jinja
