// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/value_tests.h"

#include "core/tokenizer/jinja/operators.h"
#include "core/tokenizer/jinja/text_functions.h"

namespace quantscope::jinja {
namespace {

using Predicate = bool (*)(const Value&);

struct NamedPredicate {
  std::string_view name;
  Predicate holds;
};

bool is_sequence(const Value& value) {
  return value.text() != nullptr || value.list() != nullptr || value.dict() != nullptr || value.is_undefined();
}

constexpr NamedPredicate kPredicates[] = {
    {"defined", [](const Value& value) { return !value.is_undefined(); }},
    {"undefined", [](const Value& value) { return value.is_undefined(); }},
    {"none", [](const Value& value) { return value.is_none(); }},
    {"string", [](const Value& value) { return value.text() != nullptr; }},
    {"boolean", [](const Value& value) { return value.boolean() != nullptr; }},
    {"true", [](const Value& value) { return value.boolean() != nullptr && *value.boolean(); }},
    {"false", [](const Value& value) { return value.boolean() != nullptr && !*value.boolean(); }},
    {"integer", [](const Value& value) { return value.integer() != nullptr; }},
    {"float", [](const Value& value) { return value.real() != nullptr; }},
    {"number", [](const Value& value) { return value.is_number(); }},
    {"mapping", [](const Value& value) { return value.dict() != nullptr; }},
    {"sequence", is_sequence},
    {"iterable", is_sequence},
    {"callable", [](const Value& value) { return value.function() != nullptr; }},
};

/// The operator that a test stands for; empty if it is none.
std::string_view operator_of(std::string_view name) {
  if (name == "equalto" || name == "eq" || name == "==") return "==";
  if (name == "ne" || name == "!=") return "!=";
  if (name == "lt" || name == "lessthan") return "<";
  if (name == "le") return "<=";
  if (name == "gt" || name == "greaterthan") return ">";
  if (name == "ge") return ">=";
  return name == "in" ? "in" : "";
}

std::int64_t integer_of(const Value& value) {
  if (value.integer() == nullptr) throw wrong(fmt::format("a test for whole numbers on a {}", value.type_name()));
  return *value.integer();
}

}  // namespace

bool passes_test(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget) {
  const auto* predicate = std::ranges::find(kPredicates, name, &NamedPredicate::name);
  if (predicate != std::end(kPredicates)) {
    arguments.allow(0, {});
    return predicate->holds(value);
  }
  if (const std::string_view symbol = operator_of(name); !symbol.empty()) {
    return compare(symbol, value, arguments.get(0, "other"), budget);
  }
  if (name == "odd") return integer_of(value) % 2 != 0;
  if (name == "even") return integer_of(value) % 2 == 0;
  if (name == "divisibleby") {
    const std::int64_t divisor = arguments.integer(0, "num");
    if (divisor == 0) throw wrong("a division by zero");
    return divisor == -1 || integer_of(value) % divisor == 0;
  }
  throw Failure{fmt::format("the test \"{}\"", name)};
}

}  // namespace quantscope::jinja
