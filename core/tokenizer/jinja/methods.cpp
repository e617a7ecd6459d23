// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/methods.h"

#include <array>
#include <limits>

#include "core/tokenizer/jinja/text_functions.h"

namespace quantscope::jinja {
namespace {

constexpr std::array<std::string_view, 12> kTextMethods{"strip",      "lstrip", "rstrip",   "upper",
                                                        "lower",      "title",  "split",    "replace",
                                                        "startswith", "find",   "endswith", "capitalize"};
constexpr std::array<std::string_view, 4> kDictMethods{"get", "items", "keys", "values"};

std::optional<std::string> optional_text(const Arguments& arguments, std::size_t index, std::string_view name) {
  const std::optional<Value> value = arguments.find(index, name);
  if (!value || value->is_none()) return std::nullopt;
  return arguments.text(index, name);
}

/// A text, or a tuple of which one is enough.
bool any_of_texts(const Value& wanted, Budget& budget, auto fits) {
  const List choices = wanted.list() != nullptr ? *wanted.list() : List{wanted};
  for (const Value& choice : choices) {
    budget.spend_steps();
    if (choice.text() == nullptr) throw wrong("startswith and endswith take text");
    if (fits(*choice.text())) return true;
  }
  return false;
}

Value split_text(const std::string& text, const Arguments& arguments, Budget& budget) {
  const std::optional<Value> most = arguments.find(1, "maxsplit");
  const std::int64_t limit = most ? arguments.integer(1, "maxsplit") : -1;
  budget.spend_bytes(text.size() * sizeof(Value));
  List parts;
  for (std::string& part :
       split(text, optional_text(arguments, 0, "sep"),
             limit < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(limit))) {
    parts.emplace_back(std::move(part));
  }
  return parts;
}

Value find_in_text(const std::string& text, const Arguments& arguments) {
  arguments.allow(1, {});
  const std::size_t at = text.find(arguments.text(0, "sub"));
  if (at == std::string::npos) return std::int64_t{-1};
  return static_cast<std::int64_t>(characters(std::string_view(text).substr(0, at)).size());
}

Value call_text_method(const std::string& text, std::string_view name, const Arguments& arguments, Budget& budget) {
  budget.spend_bytes(text.size());
  if (name == "strip") return strip(text, optional_text(arguments, 0, "chars"), Side::both);
  if (name == "lstrip") return strip(text, optional_text(arguments, 0, "chars"), Side::left);
  if (name == "rstrip") return strip(text, optional_text(arguments, 0, "chars"), Side::right);
  if (name == "upper") return upper(text);
  if (name == "lower") return lower(text);
  if (name == "title") return title(text);
  if (name == "capitalize") return capitalize(text);
  if (name == "split") return split_text(text, arguments, budget);
  if (name == "find") return find_in_text(text, arguments);
  if (name == "replace") {
    arguments.allow(2, {});
    return replace_all(text, arguments.text(0, "old"), arguments.text(1, "new"), budget);
  }
  arguments.allow(1, {});
  const bool at_start = name == "startswith";
  return any_of_texts(arguments.get(0, "prefix"), budget, [&](const std::string& part) {
    return at_start ? text.starts_with(part) : text.ends_with(part);
  });
}

Value call_dict_method(const Value& dict, std::string_view name, const Arguments& arguments, Budget& budget) {
  if (name == "get") {
    const Value found = dict.field(arguments.text(0, "key"));
    return found.is_undefined() ? arguments.find(1, "default").value_or(None{}) : found;
  }
  budget.spend_bytes(dict.dict()->size() * 4 * sizeof(Value));
  List parts;
  for (const auto& [key, value] : *dict.dict()) {
    parts.push_back(name == "keys" ? Value(key) : name == "values" ? value : Value(List{Value(key), value}));
  }
  return parts;
}

}  // namespace

bool has_method(const Value& value, std::string_view name) {
  if (value.text() != nullptr) return std::ranges::find(kTextMethods, name) != kTextMethods.end();
  return value.dict() != nullptr && std::ranges::find(kDictMethods, name) != kDictMethods.end();
}

Value call_method(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget) {
  if (value.is_undefined()) throw wrong(fmt::format("{}() of something undefined", name));
  if (!has_method(value, name)) throw Failure{fmt::format("the method {}() of a {}", name, value.type_name())};
  if (value.text() != nullptr) return call_text_method(*value.text(), name, arguments, budget);
  return call_dict_method(value, name, arguments, budget);
}

}  // namespace quantscope::jinja
