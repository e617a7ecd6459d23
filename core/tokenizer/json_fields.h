// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/checkpoint/json_document.h"

namespace quantscope {

// Access to fields of foreign JSON that never throws: a field that is missing or of another type reads as absent.

inline const nlohmann::json& json_field(const nlohmann::json& object, const char* name) {
  static const nlohmann::json absent;
  if (!object.is_object()) return absent;
  const auto found = object.find(name);
  return found == object.end() ? absent : *found;
}

inline bool json_flag(const nlohmann::json& object, const char* name, bool fallback) {
  const nlohmann::json& value = json_field(object, name);
  return value.is_boolean() ? value.get<bool>() : fallback;
}

/// Points into `object`; empty if absent.
inline std::string_view json_text(const nlohmann::json& object, const char* name) {
  const auto* text = json_field(object, name).get_ptr<const std::string*>();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

/// A token id: a whole number from 0 to 2^31 - 1.
inline std::optional<std::int32_t> json_token_id(const nlohmann::json& value) {
  const std::optional<std::int64_t> number = whole_number(value);
  if (!number || *number < 0 || !std::in_range<std::int32_t>(*number)) return std::nullopt;
  return static_cast<std::int32_t>(*number);
}

}  // namespace quantscope
