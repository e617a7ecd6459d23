// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace quantscope::jinja {
namespace {

Failure no_operator(std::string_view symbol, const Value& left, const Value& right) {
  return wrong(fmt::format("{} between {} and {}", symbol, left.type_name(), right.type_name()));
}

std::optional<std::int64_t> whole(const Value& value) {
  if (const bool* flag = value.boolean()) return *flag ? 1 : 0;
  if (const std::int64_t* number = value.integer()) return *number;
  return std::nullopt;
}

/// Rounded down, as Python divides.
std::int64_t floor_divide(std::int64_t left, std::int64_t right) {
  const std::int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

Value whole_arithmetic(std::string_view symbol, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  bool overflow = false;
  if (symbol == "+") {
    overflow = __builtin_add_overflow(left, right, &result);
  } else if (symbol == "-") {
    overflow = __builtin_sub_overflow(left, right, &result);
  } else if (symbol == "*") {
    overflow = __builtin_mul_overflow(left, right, &result);
  } else if (right == 0) {
    throw wrong("a division by zero");
  } else if (right == -1) {
    overflow = symbol == "//" && __builtin_sub_overflow(std::int64_t{0}, left, &result);
  } else {
    result = symbol == "//" ? floor_divide(left, right) : left - right * floor_divide(left, right);
  }
  if (overflow) throw Failure{"a number beyond 64 bits"};
  return result;
}

Value real_arithmetic(std::string_view symbol, double left, double right) {
  if (symbol == "+") return left + right;
  if (symbol == "-") return left - right;
  if (symbol == "*") return left * right;
  if (right == 0) throw wrong("a division by zero");
  if (symbol == "/") return left / right;
  const double quotient = std::floor(left / right);
  return symbol == "//" ? quotient : left - right * quotient;
}

Value joined_text(const std::string& left, const std::string& right, Budget& budget) {
  budget.spend_bytes(left.size() + right.size());
  return left + right;
}

Value joined_lists(const List& left, const List& right, Budget& budget) {
  budget.spend_bytes((left.size() + right.size()) * sizeof(Value));
  List items = left;
  items.insert(items.end(), right.begin(), right.end());
  return items;
}

bool contains(const Value& whole_value, const Value& part, Budget& budget) {
  if (whole_value.is_undefined()) return false;
  if (whole_value.text() != nullptr && part.text() != nullptr) {
    budget.spend_steps(whole_value.text()->size() / 16 + 1);
    return whole_value.text()->find(*part.text()) != std::string::npos;
  }
  if (whole_value.dict() != nullptr) {
    budget.spend_steps(whole_value.dict()->size());
    return part.text() != nullptr && !whole_value.field(*part.text()).is_undefined();
  }
  if (whole_value.list() == nullptr) throw no_operator("in", part, whole_value);
  return std::ranges::any_of(*whole_value.list(), [&](const Value& item) { return equal(item, part, budget); });
}

/// Python's slice.indices().
struct Range {
  std::int64_t start = 0, stop = 0;
};
Range clamp_range(std::optional<std::int64_t> start, std::optional<std::int64_t> stop, std::int64_t step,
                  std::int64_t size) {
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  const auto place = [&](std::int64_t index) {
    return std::clamp(index < 0 ? std::max(index, -size - 1) + size : index, low, high);
  };
  return {start ? place(*start) : (step > 0 ? low : high), stop ? place(*stop) : (step > 0 ? high : low)};
}

template <class Parts, class Append>
void for_each_in_slice(const Parts& parts, std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                       std::int64_t step, Append append) {
  const auto [first, last] = clamp_range(start, stop, step, static_cast<std::int64_t>(parts.size()));
  for (std::int64_t i = first; step > 0 ? i < last : i > last; i += step) append(parts[static_cast<std::size_t>(i)]);
}

}  // namespace

Value arithmetic(std::string_view symbol, const Value& left, const Value& right, Budget& budget) {
  if (symbol == "~") return joined_text(printed(left), printed(right), budget);
  if (left.is_number() && right.is_number()) {
    const auto whole_left = whole(left), whole_right = whole(right);
    if (whole_left && whole_right && symbol != "/") return whole_arithmetic(symbol, *whole_left, *whole_right);
    return real_arithmetic(symbol, left.as_real(), right.as_real());
  }
  if (symbol == "+" && left.text() != nullptr && right.text() != nullptr) {
    return joined_text(*left.text(), *right.text(), budget);
  }
  if (symbol == "+" && left.list() != nullptr && right.list() != nullptr) {
    return joined_lists(*left.list(), *right.list(), budget);
  }
  if (left.text() != nullptr && (symbol == "*" || symbol == "%")) {
    throw Failure{fmt::format("{} behind a text", symbol)};
  }
  throw no_operator(symbol, left, right);
}

int order(const Value& left, const Value& right) {
  if (left.text() != nullptr && right.text() != nullptr) return left.text()->compare(*right.text());
  if (!left.is_number() || !right.is_number()) throw no_operator("<", left, right);
  const double a = left.as_real(), b = right.as_real();
  return a < b ? -1 : a > b ? 1 : 0;
}

bool compare(std::string_view symbol, const Value& left, const Value& right, Budget& budget) {
  if (symbol == "==") return equal(left, right, budget);
  if (symbol == "!=") return !equal(left, right, budget);
  if (symbol == "in") return contains(right, left, budget);
  if (symbol == "not in") return !contains(right, left, budget);
  const int ordered = order(left, right);
  if (symbol == "<") return ordered < 0;
  if (symbol == "<=") return ordered <= 0;
  return symbol == ">" ? ordered > 0 : ordered >= 0;
}

Value negative(const Value& value) {
  if (const std::optional<std::int64_t> number = whole(value)) return whole_arithmetic("-", 0, *number);
  if (value.real() == nullptr) throw wrong(fmt::format("- before {}", value.type_name()));
  return -*value.real();
}

Value element(const Value& value, std::int64_t index) {
  if (const std::string* text = value.text()) {
    const auto parts = characters(*text);
    const auto size = static_cast<std::int64_t>(parts.size());
    if (index < 0) index += size;
    return index < 0 || index >= size ? Value() : Value(std::string(parts[static_cast<std::size_t>(index)]));
  }
  if (value.list() == nullptr) return {};
  const auto size = static_cast<std::int64_t>(value.list()->size());
  if (index < 0) index += size;
  return index < 0 || index >= size ? Value() : (*value.list())[static_cast<std::size_t>(index)];
}

Value slice(const Value& value, std::optional<std::int64_t> start, std::optional<std::int64_t> stop, std::int64_t step,
            Budget& budget) {
  if (step == 0) throw wrong("a slice with step zero");
  step = std::clamp<std::int64_t>(step, -(std::int64_t{1} << 40), std::int64_t{1} << 40);
  if (const std::string* text = value.text()) {
    budget.spend_bytes(text->size() * sizeof(std::string_view));
    std::string cut;
    for_each_in_slice(characters(*text), start, stop, step, [&](std::string_view character) { cut += character; });
    return cut;
  }
  if (value.list() == nullptr) throw wrong(fmt::format("a slice of {}", value.type_name()));
  budget.spend_bytes(value.list()->size() * sizeof(Value));
  List cut;
  for_each_in_slice(*value.list(), start, stop, step, [&](const Value& item) { cut.push_back(item); });
  return cut;
}

}  // namespace quantscope::jinja
