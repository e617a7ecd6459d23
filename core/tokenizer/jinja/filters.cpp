// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/filters.h"

#include <charconv>
#include <cmath>

#include "core/tokenizer/jinja/json_text.h"
#include "core/tokenizer/jinja/methods.h"
#include "core/tokenizer/jinja/operators.h"
#include "core/tokenizer/jinja/text_functions.h"
#include "core/tokenizer/jinja/value_tests.h"

namespace quantscope::jinja {
namespace {

using Filter = Value (*)(const Value&, const Arguments&, Budget&);

std::string text_of(const Value& value, Budget& budget) {
  std::string text = printed(value);
  budget.spend_bytes(text.size());
  return text;
}

Value trim(const Value& value, const Arguments& arguments, Budget& budget) {
  const std::optional<Value> set = arguments.find(0, "chars");
  const bool has_set = set && !set->is_none();
  return strip(text_of(value, budget), has_set ? std::optional(arguments.text(0, "chars")) : std::nullopt, Side::both);
}

Value length(const Value& value, const Arguments& arguments, Budget& budget) {
  arguments.allow(0, {});
  if (value.is_undefined()) return std::int64_t{0};
  if (value.list() != nullptr) return static_cast<std::int64_t>(value.list()->size());
  if (value.dict() != nullptr) return static_cast<std::int64_t>(value.dict()->size());
  if (value.text() == nullptr) throw wrong(fmt::format("the length of a {}", value.type_name()));
  budget.spend_steps(value.text()->size() / 16 + 1);
  return static_cast<std::int64_t>(characters(*value.text()).size());
}

Value to_json(const Value& value, const Arguments& arguments, Budget& budget) {
  arguments.allow(0, {"indent", "ensure_ascii"});
  if (arguments.find(1, "ensure_ascii").value_or(false).truth()) throw Failure{"tojson with ensure_ascii"};
  const std::optional<Value> indent = arguments.find(1, "indent");
  if (!indent || indent->is_none()) return json_text(value, std::nullopt, budget);
  return json_text(value, arguments.integer(1, "indent"), budget);
}

Value join(const Value& value, const Arguments& arguments, Budget& budget) {
  arguments.allow(1, {"d"});
  const std::string separator = arguments.find(0, "d") ? arguments.text(0, "d") : std::string();
  std::string text;
  bool first = true;
  for (const Value& item : elements(value, budget)) {
    if (!first) text += separator;
    first = false;
    text += text_of(item, budget);
    budget.spend_bytes(separator.size());
  }
  return text;
}

Value use_default(const Value& value, const Arguments& arguments, Budget&) {
  const bool also_false = arguments.find(1, "boolean").value_or(false).truth();
  const bool replaced = value.is_undefined() || (also_false && !value.truth());
  return replaced ? arguments.find(0, "default_value").value_or(Value(std::string())) : value;
}

Value first(const Value& value, const Arguments&, Budget& budget) { return element(Value(elements(value, budget)), 0); }

Value last(const Value& value, const Arguments&, Budget& budget) { return element(Value(elements(value, budget)), -1); }

Value reverse(const Value& value, const Arguments&, Budget& budget) {
  return slice(value, std::nullopt, std::nullopt, -1, budget);
}

Value as_integer(const Value& value, const Arguments& arguments, Budget&) {
  if (value.integer() != nullptr) return value;
  if (value.is_number()) {
    const double number = std::trunc(value.as_real());
    if (!(std::abs(number) < 9e18)) throw Failure{"a number beyond 64 bits"};
    return static_cast<std::int64_t>(number);
  }
  if (value.text() != nullptr) {
    const std::string digits = strip(*value.text(), std::nullopt, Side::both);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size()) return number;
  }
  return arguments.find(0, "default").value_or(std::int64_t{0});
}

Value absolute(const Value& value, const Arguments&, Budget&) {
  if (!value.is_number()) throw wrong(fmt::format("abs of a {}", value.type_name()));
  return value.as_real() < 0 ? negative(value) : value;
}

Value replace(const Value& value, const Arguments& arguments, Budget& budget) {
  arguments.allow(2, {"old", "new"});
  return replace_all(text_of(value, budget), arguments.text(0, "old"), arguments.text(1, "new"), budget);
}

Value items(const Value& value, const Arguments&, Budget& budget) {
  if (value.is_undefined()) return List{};
  if (value.dict() == nullptr) throw wrong(fmt::format("items of a {}", value.type_name()));
  return call_method(value, "items", {}, budget);
}

/// "a.b" means field b of field a.
Value nested_field(Value value, std::string_view path) {
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    value = value.field(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

Value map_items(const Value& value, const Arguments& arguments, Budget& budget) {
  List mapped;
  const bool by_field = arguments.ordered.empty();
  for (const Value& item : elements(value, budget)) {
    budget.spend_steps();
    budget.spend_bytes(sizeof(Value));
    if (by_field) {
      const Value field = nested_field(item, arguments.text(1, "attribute"));
      mapped.push_back(field.is_undefined() ? arguments.find(2, "default").value_or(field) : field);
    } else {
      const Arguments others{{arguments.ordered.begin() + 1, arguments.ordered.end()}, arguments.named};
      mapped.push_back(apply_filter(item, arguments.text(0, "filter"), others, budget));
    }
  }
  return mapped;
}

/// select, reject, selectattr and rejectattr: keeps what a test (by default the item's truth) says.
Value choose(const Value& value, const Arguments& arguments, bool by_field, bool keep, Budget& budget) {
  const std::size_t test = by_field ? 1 : 0;
  Arguments others;
  for (std::size_t i = test + 1; i < arguments.ordered.size(); ++i) others.ordered.push_back(arguments.ordered[i]);
  List kept;
  for (const Value& item : elements(value, budget)) {
    budget.spend_steps();
    budget.spend_bytes(sizeof(Value));
    const Value tested = by_field ? nested_field(item, arguments.text(0, "attribute")) : item;
    const bool passes = arguments.ordered.size() > test
                            ? passes_test(tested, arguments.text(test, "test"), others, budget)
                            : tested.truth();
    if (passes == keep) kept.push_back(item);
  }
  return kept;
}

struct NamedFilter {
  std::string_view name;
  Filter apply;
};

constexpr NamedFilter kFilters[] = {
    {"trim", trim},
    {"length", length},
    {"count", length},
    {"tojson", to_json},
    {"join", join},
    {"default", use_default},
    {"d", use_default},
    {"first", first},
    {"last", last},
    {"reverse", reverse},
    {"int", as_integer},
    {"abs", absolute},
    {"replace", replace},
    {"items", items},
    {"map", map_items},
    {"safe", [](const Value& value, const Arguments&, Budget&) { return value; }},
    {"string", [](const Value& value, const Arguments&, Budget& budget) { return Value(text_of(value, budget)); }},
    {"list", [](const Value& value, const Arguments&, Budget& budget) { return Value(elements(value, budget)); }},
    {"upper",
     [](const Value& value, const Arguments&, Budget& budget) { return Value(upper(text_of(value, budget))); }},
    {"lower",
     [](const Value& value, const Arguments&, Budget& budget) { return Value(lower(text_of(value, budget))); }},
    {"title",
     [](const Value& value, const Arguments&, Budget& budget) { return Value(title(text_of(value, budget))); }},
    {"capitalize",
     [](const Value& value, const Arguments&, Budget& budget) { return Value(capitalize(text_of(value, budget))); }},
    {"select", [](const Value& value, const Arguments& a, Budget& b) { return choose(value, a, false, true, b); }},
    {"reject", [](const Value& value, const Arguments& a, Budget& b) { return choose(value, a, false, false, b); }},
    {"selectattr", [](const Value& value, const Arguments& a, Budget& b) { return choose(value, a, true, true, b); }},
    {"rejectattr", [](const Value& value, const Arguments& a, Budget& b) { return choose(value, a, true, false, b); }},
};

}  // namespace

Value apply_filter(const Value& value, std::string_view name, const Arguments& arguments, Budget& budget) {
  const auto* filter = std::ranges::find(kFilters, name, &NamedFilter::name);
  if (filter == std::end(kFilters)) throw Failure{fmt::format("the filter \"{}\"", name)};
  budget.spend_bytes(sizeof(Value));
  return filter->apply(value, arguments, budget);
}

}  // namespace quantscope::jinja
