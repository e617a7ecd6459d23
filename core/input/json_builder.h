// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/input/bounded_json.h"

namespace quantscope {

/// The error of a text that cannot be read as JSON past this byte, counted from 1.
tl::unexpected<Error> no_json(std::string_view name, std::size_t byte, std::string detail);

/// Builds the value of a text from the events of nlohmann::json::sax_parse. The library's own way to look at values
/// while they are read searches each list from its front whenever an object in it ends: a list of a million records
/// takes hours.
class JsonBuilder {
 public:
  JsonBuilder(std::string_view name, const JsonReading& reading, const std::stop_token& stop)
      : name_(name), reading_(reading), stop_(stop) {}

  /// The value, or why reading ended. Precondition: sax_parse has returned.
  Result<nlohmann::json> finish();

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) { return put(value); }
  bool number_unsigned(std::uint64_t value) { return put(value); }
  bool number_float(double value, const std::string& /*digits*/) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(std::vector<std::uint8_t>& /*value*/) { return false; }  // JSON text has none
  bool start_object(std::size_t /*members*/) { return open(nlohmann::json::object()); }
  bool start_array(std::size_t /*values*/) { return open(nlohmann::json::array()); }
  bool key(std::string& name);
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t byte, const std::string& token, const nlohmann::json::exception& error);

 private:
  /// A list or object that has not ended.
  struct Level {
    nlohmann::json value;
    std::string name;        ///< of the member that comes next; empty in a list
    std::size_t values = 0;  ///< kept in it
  };

  bool put(nlohmann::json value);
  bool open(nlohmann::json value);
  bool close();
  Result<bool> is_taken(nlohmann::json& value) const;
  void keep(nlohmann::json value, std::size_t values);
  bool is_dropped() const { return dropped_levels_ > 0 || levels_.size() > reading_.deepest; }
  bool may_go_on();  ///< no stop was requested
  bool may_keep_one_more();
  bool refuse(tl::unexpected<Error> error);

  std::string_view name_;
  const JsonReading& reading_;
  const std::stop_token& stop_;
  std::vector<Level> levels_;
  nlohmann::json root_;
  std::size_t dropped_levels_ = 0;  ///< open lists and objects that are too deep to be kept
  std::size_t kept_ = 0;            ///< values held now
  std::optional<Error> error_;
};

}  // namespace quantscope
