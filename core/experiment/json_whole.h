// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "core/checkpoint/json_document.h"
#include "core/experiment/count_limits.h"

namespace quantscope {

/// A value of a file that must be a whole number, which becomes an integer of any type. The library itself casts
/// fractions, and numbers that the type cannot hold. Throws json::type_error like get().
class JsonWhole {
 public:
  JsonWhole(const nlohmann::json& value, std::int64_t largest) : value_(value), largest_(largest) {}

  template <std::integral T>
  operator T() const {  // NOLINT(google-explicit-constructor): takes its type from where it goes, as a json does
    const auto number = value_.is_number_integer() ? whole_number(value_) : std::nullopt;
    if (!number || *number < -largest_ || *number > largest_ || !std::in_range<T>(*number))
      throw nlohmann::json::type_error::create(302, "a whole number of its range is missing", &value_);
    return static_cast<T>(*number);
  }

 private:
  const nlohmann::json& value_;
  std::int64_t largest_;
};

inline JsonWhole whole(const nlohmann::json& value) { return {value, largest_whole}; }
inline JsonWhole whole_of_element(const nlohmann::json& value) { return {value, largest_whole_of_element}; }
/// 0 where the field is absent, as files of earlier versions have it.
inline std::int64_t whole_or_zero(const nlohmann::json& object, std::string_view field) {
  const auto found = object.find(field);
  return found == object.end() ? 0 : static_cast<std::int64_t>(whole(*found));
}

}  // namespace quantscope
