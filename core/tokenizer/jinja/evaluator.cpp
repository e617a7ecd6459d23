// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/evaluator.h"

#include <array>

#include "core/tokenizer/jinja/filters.h"
#include "core/tokenizer/jinja/methods.h"
#include "core/tokenizer/jinja/operators.h"
#include "core/tokenizer/jinja/value_tests.h"

namespace quantscope::jinja {
namespace {

constexpr std::array<std::string_view, 4> kFunctions{"raise_exception", "namespace", "range", "dict"};

Failure undefined_use(std::string_view what, const Expression& object) {
  return wrong(fmt::format("{} of {}, which is undefined", what, object.text.empty() ? "something" : object.text));
}

Value make_range(const Arguments& arguments, Budget& budget) {
  arguments.allow(3, {});
  const bool single = arguments.ordered.size() == 1;
  const std::int64_t start = single ? 0 : arguments.integer(0, "start");
  const std::int64_t stop = arguments.integer(single ? 0 : 1, "stop");
  const std::int64_t step = arguments.ordered.size() == 3 ? arguments.integer(2, "step") : 1;
  constexpr std::int64_t most = 100'000;  // as in Jinja's sandbox
  if (step == 0 || std::max({std::abs(start / 2), std::abs(stop / 2), std::abs(step / 2)}) > most * most) {
    throw wrong("such a range()");
  }
  List numbers;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    budget.spend_bytes(sizeof(Value));
    if (numbers.size() == static_cast<std::size_t>(most)) throw wrong("a range() of more than 100000 numbers");
    numbers.emplace_back(i);
  }
  return numbers;
}

/// The fields that namespace() and dict() begin with.
Dict initial_fields(const Arguments& arguments) {
  Dict fields;
  for (const Value& base : arguments.ordered) {
    if (base.dict() == nullptr) throw Failure{"such arguments of namespace() or dict()"};
    fields = *base.dict();
  }
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::ranges::find(fields, name, &Dict::value_type::first);
    if (known != fields.end()) fields.erase(known);
    fields.emplace_back(name, value);
  }
  return fields;
}

}  // namespace

Value Evaluator::evaluate(const Expression& expression) {
  try {
    budget_->spend_steps();
    return compute(expression);
  } catch (Failure& failure) {
    if (failure.position == Failure::kNowhere) failure.position = expression.position;
    throw;
  }
}

Value Evaluator::compute(const Expression& expression) {
  const auto part = [&](std::size_t index) { return evaluate(*expression.parts[index]); };
  switch (expression.kind) {
    case ExpressionKind::literal: return expression.value;
    case ExpressionKind::name: return find_name(expression.text);
    case ExpressionKind::list: return make_list(expression);
    case ExpressionKind::dict: return make_dict(expression);
    case ExpressionKind::attribute: return find_attribute(expression);
    case ExpressionKind::subscript: return find_element(expression);
    case ExpressionKind::slice: return cut(expression);
    case ExpressionKind::call: return call(expression);
    case ExpressionKind::filter: return apply_filter(part(0), expression.text, arguments_of(expression), *budget_);
    case ExpressionKind::test: return passes_test(part(0), expression.text, arguments_of(expression), *budget_);
    case ExpressionKind::negation: return !part(0).truth();
    case ExpressionKind::sign: return expression.text == "-" ? negative(part(0)) : part(0);
    case ExpressionKind::comparison: return compare_all(expression);
    case ExpressionKind::conjunction: {
      Value left = part(0);
      return left.truth() ? part(1) : left;
    }
    case ExpressionKind::disjunction: {
      Value left = part(0);
      return left.truth() ? left : part(1);
    }
    case ExpressionKind::arithmetic: {
      const Value left = part(0);
      return arithmetic(expression.text, left, part(1), *budget_);
    }
    case ExpressionKind::conditional:
      if (part(0).truth()) return part(1);
      return expression.parts[2] ? part(2) : Value();
  }
  return {};
}

Value Evaluator::find_name(const std::string& name) const {
  Value found = scopes_->find(name);
  if (!found.is_undefined()) return found;
  const auto* function = std::ranges::find(kFunctions, name);
  return function == kFunctions.end() ? Value() : Value(Function{*function});
}

Value Evaluator::make_list(const Expression& expression) {
  List items;
  budget_->spend_bytes(expression.parts.size() * sizeof(Value));
  for (const ExpressionPtr& part : expression.parts) items.push_back(evaluate(*part));
  return items;
}

Value Evaluator::make_dict(const Expression& expression) {
  Arguments fields;
  budget_->spend_bytes(expression.parts.size() * sizeof(Value));
  for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    const Value key = evaluate(*expression.parts[i]);
    if (key.text() == nullptr) throw Failure{fmt::format("a {} as a dictionary's key", key.type_name())};
    fields.named.emplace_back(*key.text(), evaluate(*expression.parts[i + 1]));
    budget_->spend_steps(i);
  }
  return initial_fields(fields);
}

Value Evaluator::find_attribute(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  if (object.is_undefined()) throw undefined_use(expression.text, *expression.parts[0]);
  if (has_method(object, expression.text))
    throw Failure{fmt::format("the method {} that is not called", expression.text)};
  return object.field(expression.text);
}

Value Evaluator::find_element(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  if (!expression.parts[1]) throw wrong("an empty subscript");
  const Value index = evaluate(*expression.parts[1]);
  if (object.is_undefined()) throw undefined_use("an element", *expression.parts[0]);
  if (object.text() != nullptr) budget_->spend_bytes(object.text()->size());
  if (const std::string* name = index.text()) return object.field(*name);
  return index.integer() == nullptr ? Value() : element(object, *index.integer());
}

Value Evaluator::cut(const Expression& expression) {
  const Value object = evaluate(*expression.parts[0]);
  const auto bound = [&](std::size_t index) -> std::optional<std::int64_t> {
    if (!expression.parts[index]) return std::nullopt;
    const Value value = evaluate(*expression.parts[index]);
    if (value.is_none()) return std::nullopt;
    if (value.integer() == nullptr) throw wrong(fmt::format("a slice by {}", value.type_name()));
    return *value.integer();
  };
  const auto start = bound(1), stop = bound(2), step = bound(3);
  return slice(object, start, stop, step.value_or(1), *budget_);
}

Arguments Evaluator::arguments_of(const Expression& expression) {
  Arguments arguments;
  const std::size_t ordered = expression.parts.size() - expression.names.size();
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    Value value = evaluate(*expression.parts[i]);
    if (i < ordered) {
      arguments.ordered.push_back(std::move(value));
    } else {
      arguments.named.emplace_back(expression.names[i - ordered], std::move(value));
    }
  }
  return arguments;
}

Value Evaluator::call(const Expression& expression) {
  const Expression& callee = *expression.parts[0];
  if (callee.kind == ExpressionKind::attribute) {
    const Value object = evaluate(*callee.parts[0]);
    return call_method(object, callee.text, arguments_of(expression), *budget_);
  }
  if (callee.kind == ExpressionKind::name && callee.text == "strftime_now") {
    throw Failure{"strftime_now(), because a prompt would change from day to day,"};
  }
  const Value function = evaluate(callee);
  if (function.function() == nullptr) {
    if (function.is_undefined()) throw Failure{fmt::format("the function {}()", callee.text)};
    throw wrong(fmt::format("a call of a {}", function.type_name()));
  }
  return call_function(function.function()->name, arguments_of(expression));
}

Value Evaluator::call_function(std::string_view name, const Arguments& arguments) {
  if (name == "raise_exception") throw wrong(fmt::format("\"{}\"", arguments.text(0, "message")));
  if (name == "range") return make_range(arguments, *budget_);
  for (const Value& base : arguments.ordered) {
    if (base.dict() != nullptr) budget_->spend_bytes(base.dict()->size() * sizeof(Value));
  }
  if (name == "dict") return initial_fields(arguments);
  const Value checked{initial_fields(arguments)};  // limits the depth of its fields
  return Namespace{std::make_shared<Dict>(*checked.dict())};
}

bool Evaluator::compare_all(const Expression& expression) {
  Value left = evaluate(*expression.parts[0]);
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    Value right = evaluate(*expression.parts[i]);
    if (!compare(expression.names[i - 1], left, right, *budget_)) return false;
    left = std::move(right);
  }
  return true;
}

}  // namespace quantscope::jinja
