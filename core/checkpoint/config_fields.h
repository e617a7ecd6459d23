// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// Typed access to the fields of one JSON object. Remembers the first failure and gives the fallback from then on; an
/// absent field and null mean the same unless said otherwise.
class ConfigFields {
 public:
  ConfigFields(const nlohmann::json& object, const std::filesystem::path& file) : object_(object), file_(file) {}

  /// Null where the field is absent or null.
  const nlohmann::json* find(const char* key) const;
  bool has(const char* key) const { return find(key) != nullptr; }
  bool is_null(const char* key) const;

  std::int64_t integer(const char* key);  ///< fails when absent
  std::int64_t integer(const char* key, std::int64_t fallback);
  double number(const char* key, double fallback);
  bool boolean(const char* key, bool fallback);
  std::string text(const char* key, std::string fallback);
  /// The integer, `fallback` when the field is absent, 0 when it is null.
  std::int64_t integer_or_none(const char* key, std::int64_t fallback);
  double number_or_none(const char* key, double fallback);

  void reject(ErrorCode code, std::string_view key, std::string_view what);
  const std::filesystem::path& file() const { return file_; }
  Result<void> status() const;

 private:
  const nlohmann::json& object_;
  const std::filesystem::path& file_;
  std::optional<Error> failure_;
};

}  // namespace quantscope
