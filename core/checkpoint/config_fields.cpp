// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_fields.h"

#include <fmt/format.h>

#include <utility>

#include "core/checkpoint/json_document.h"

namespace quantscope {

using nlohmann::json;

const json* ConfigFields::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigFields::is_null(const char* key) const {
  const auto found = object_.find(key);
  return found != object_.end() && found->is_null();
}

std::int64_t ConfigFields::integer(const char* key) {
  if (!has(key)) reject(ErrorCode::not_found, key, "is missing");
  return integer(key, 0);
}

std::int64_t ConfigFields::integer(const char* key, std::int64_t fallback) {
  const json* value = find(key);
  if (value == nullptr) return fallback;
  const auto number = whole_number(*value);
  if (!number) reject(ErrorCode::corrupt_file, key, "is not a whole number");
  return number.value_or(fallback);
}

double ConfigFields::number(const char* key, double fallback) {
  const json* value = find(key);
  if (value != nullptr && !value->is_number()) reject(ErrorCode::corrupt_file, key, "is not a number");
  return value != nullptr && value->is_number() ? value->get<double>() : fallback;
}

bool ConfigFields::boolean(const char* key, bool fallback) {
  const json* value = find(key);
  if (value != nullptr && !value->is_boolean()) reject(ErrorCode::corrupt_file, key, "is not true or false");
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

std::string ConfigFields::text(const char* key, std::string fallback) {
  const json* value = find(key);
  if (value != nullptr && !value->is_string()) reject(ErrorCode::corrupt_file, key, "is not text");
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::move(fallback);
}

std::int64_t ConfigFields::integer_or_none(const char* key, std::int64_t fallback) {
  return is_null(key) ? 0 : integer(key, fallback);
}

double ConfigFields::number_or_none(const char* key, double fallback) {
  return is_null(key) ? 0.0 : number(key, fallback);
}

void ConfigFields::reject(ErrorCode code, std::string_view key, std::string_view what) {
  if (failure_) return;
  failure_ = Error{code,
                   fmt::format("In {}, '{}' {}.", file_.filename().string(), key, what),
                   {},
                   fmt::format("{}, {}", file_.string(), key)};
}

Result<void> ConfigFields::status() const {
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

}  // namespace quantscope
