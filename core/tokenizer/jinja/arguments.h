// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {

/// What a function, filter, test or method is called with.
struct Arguments {
  std::vector<Value> ordered;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at this place or with this name; empty if it is not given.
  std::optional<Value> find(std::size_t index, std::string_view name) const {
    if (index < ordered.size()) return ordered[index];
    const auto found = std::ranges::find(named, name, [](const auto& pair) { return std::string_view(pair.first); });
    return found == named.end() ? std::nullopt : std::optional<Value>(found->second);
  }
  Value get(std::size_t index, std::string_view name) const {
    if (std::optional<Value> found = find(index, name)) return *found;
    throw wrong(fmt::format("the argument \"{}\" is missing", name));
  }
  std::string text(std::size_t index, std::string_view name) const {
    const Value value = get(index, name);
    if (value.text() == nullptr) throw wrong(fmt::format("the argument \"{}\" is no text", name));
    return *value.text();
  }
  std::int64_t integer(std::size_t index, std::string_view name) const {
    const Value value = get(index, name);
    if (value.integer() == nullptr) throw wrong(fmt::format("the argument \"{}\" is no whole number", name));
    return *value.integer();
  }
  /// Fails if there are more than so many arguments, or if one has a name that is not listed.
  void allow(std::size_t count, std::initializer_list<std::string_view> names) const {
    if (ordered.size() > count) throw Failure{"so many arguments"};
    for (const auto& [name, value] : named) {
      if (std::ranges::find(names, name) == names.end()) throw Failure{fmt::format("the argument \"{}\"", name)};
    }
  }
};

}  // namespace quantscope::jinja
