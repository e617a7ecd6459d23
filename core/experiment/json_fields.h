// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/experiment/json_whole.h"
#include "kernels/error.h"

namespace quantscope {

/// Reads fields of one JSON object into variables; the first that is missing or of the wrong type is remembered, so
/// that a reader is one line per field.
class JsonFields {
 public:
  explicit JsonFields(const nlohmann::json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) complain("is not an object");
  }

  template <class T>
  JsonFields& required(std::string_view field, T& value) {
    if (!error_.message.empty()) return *this;
    const auto found = object_.find(field);
    if (found == object_.end()) {
      complain(fmt::format("lacks the field \"{}\"", field));
      return *this;
    }
    read(field, *found, value);
    return *this;
  }

  /// Leaves the value as it is when the field is absent or null.
  template <class T>
  JsonFields& optional(std::string_view field, T& value) {
    if (!error_.message.empty()) return *this;
    const auto found = object_.find(field);
    if (found != object_.end() && !found->is_null()) read(field, *found, value);
    return *this;
  }

  Result<void> result() const {
    if (error_.message.empty()) return {};
    return tl::unexpected(error_);
  }

 private:
  template <class T>
  void read(std::string_view field, const nlohmann::json& json, T& value) {
    try {
      if constexpr (std::integral<T> && !std::same_as<T, bool>) {
        value = whole(json);
      } else {
        value = json.get<T>();
      }
    } catch (const nlohmann::json::exception& error) {
      complain(fmt::format("has a field \"{}\" of the wrong type", field));
      error_.detail = error.what();
    }
  }

  void complain(const std::string& what) {
    error_ = {ErrorCode::invalid_argument, fmt::format("The JSON of {} {}.", where_, what), {}, where_};
  }

  const nlohmann::json& object_;
  std::string where_;
  Error error_;
};

}  // namespace quantscope
