// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/input/utf8.h"

namespace quantscope::jinja {
namespace {

using nlohmann::ordered_json;

int checked_depth(int depth, const Value& part) {
  if (part.name_space() != nullptr) throw Failure{"a namespace inside another value"};
  if (depth > Value::kDeepest) throw Failure{"values nested too deeply"};
  return depth;
}

bool equal_lists(const List& left, const List& right, Budget& budget) {
  return std::ranges::equal(left, right, [&](const Value& a, const Value& b) { return equal(a, b, budget); });
}

bool equal_dicts(const Dict& left, const Dict& right, Budget& budget) {
  if (left.size() != right.size()) return false;
  const Value other{Dict(right)};
  return std::ranges::all_of(left, [&](const auto& field) {
    budget.spend_steps(right.size());
    const Value counterpart = other.field(field.first);
    return !counterpart.is_undefined() && equal(field.second, counterpart, budget);
  });
}

std::string printed_real(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Value::Value(List items) {
  for (const Value& item : items) depth_ = std::max(depth_, checked_depth(item.depth_ + 1, item));
  content_ = std::make_shared<const List>(std::move(items));
}

Value::Value(Dict fields) {
  for (const auto& [name, value] : fields) depth_ = std::max(depth_, checked_depth(value.depth_ + 1, value));
  content_ = std::make_shared<const Dict>(std::move(fields));
}

Value Value::from_json(const ordered_json& json, int depth) {
  if (depth > kDeepest) throw Failure{"values nested too deeply"};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    throw Failure{"a number beyond 64 bits"};
  }
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    List items;
    for (const ordered_json& item : json) items.push_back(from_json(item, depth + 1));
    return items;
  }
  if (!json.is_object()) return None{};
  Dict fields;
  for (const auto& [name, value] : json.items()) fields.emplace_back(name, from_json(value, depth + 1));
  return fields;
}

double Value::as_real() const {
  if (const bool* flag = boolean()) return *flag ? 1 : 0;
  if (const std::int64_t* number = integer()) return static_cast<double>(*number);
  return *real();
}

bool Value::truth() const {
  if (is_number()) return as_real() != 0;
  if (text() != nullptr) return !text()->empty();
  if (list() != nullptr) return !list()->empty();
  if (dict() != nullptr) return !dict()->empty();
  return name_space() != nullptr || function() != nullptr;
}

std::string_view Value::type_name() const {
  constexpr std::string_view names[] = {"undefined", "NoneType", "bool", "int",       "float",
                                        "str",       "list",     "dict", "namespace", "function"};
  return names[content_.index()];
}

Value Value::field(std::string_view name) const {
  const Dict* fields = name_space() != nullptr ? name_space()->fields.get() : dict();
  if (fields == nullptr) return {};
  const auto found = std::ranges::find(*fields, name, &Dict::value_type::first);
  return found == fields->end() ? Value() : found->second;
}

bool equal(const Value& left, const Value& right, Budget& budget) {
  budget.spend_steps();
  if (left.integer() != nullptr && right.integer() != nullptr) return *left.integer() == *right.integer();
  if (left.is_number() && right.is_number()) return left.as_real() == right.as_real();
  if (left.text() != nullptr && right.text() != nullptr) return *left.text() == *right.text();
  if (left.list() != nullptr && right.list() != nullptr) return equal_lists(*left.list(), *right.list(), budget);
  if (left.dict() != nullptr && right.dict() != nullptr) return equal_dicts(*left.dict(), *right.dict(), budget);
  return (left.is_none() && right.is_none()) || (left.is_undefined() && right.is_undefined());
}

std::string printed(const Value& value) {
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (const bool* flag = value.boolean()) return *flag ? "True" : "False";
  if (const std::int64_t* number = value.integer()) return fmt::format("{}", *number);
  if (const double* number = value.real()) return printed_real(*number);
  if (const std::string* text = value.text()) return *text;
  throw Failure{fmt::format("printing a {} (tojson is supported)", value.type_name())};
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t length = first_utf8_part(text).length;
    parts.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return parts;
}

List elements(const Value& value, Budget& budget) {
  if (value.list() != nullptr) return *value.list();
  List parts;
  if (value.is_undefined()) return parts;
  if (const Dict* fields = value.dict()) {
    budget.spend_bytes(fields->size() * sizeof(Value));
    for (const auto& [name, field] : *fields) parts.emplace_back(name);
    return parts;
  }
  if (value.text() == nullptr)
    throw Failure{fmt::format("a loop over a {}", value.type_name()), Failure::kNowhere, false};
  budget.spend_bytes(value.text()->size() * sizeof(Value));
  for (const std::string_view character : characters(*value.text())) parts.emplace_back(std::string(character));
  return parts;
}

}  // namespace quantscope::jinja
