// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/json_builder.h"

#include <fmt/format.h>

#include <utility>

namespace quantscope {

using nlohmann::json;

tl::unexpected<Error> no_json(std::string_view name, std::size_t byte, std::string detail) {
  return fail(ErrorCode::corrupt_file, fmt::format("{} is not JSON: it cannot be read past byte {}.", name, byte),
              fmt::format("{}: byte {}", name, byte), std::move(detail));
}

Result<json> JsonBuilder::finish() {
  if (error_) return tl::unexpected(std::move(*error_));
  return std::move(root_);
}

bool JsonBuilder::refuse(tl::unexpected<Error> error) {
  error_ = std::move(error.value());
  return false;
}

bool JsonBuilder::may_go_on() { return !stop_.stop_requested() || refuse(cancelled()); }

bool JsonBuilder::may_keep_one_more() {
  if (++kept_ <= reading_.kept) return true;
  return refuse(
      fail(ErrorCode::unsupported,
           fmt::format("{} holds more than {} values in one part; choose another file.", name_, reading_.kept),
           std::string(name_)));
}

void JsonBuilder::keep(json value, std::size_t values) {
  if (levels_.empty()) {
    root_ = std::move(value);
    return;
  }
  Level& parent = levels_.back();
  parent.values += values;
  if (parent.value.is_array())
    parent.value.push_back(std::move(value));
  else
    parent.value[parent.name] = std::move(value);
}

bool JsonBuilder::put(json value) {
  if (!may_go_on()) return false;
  if (is_dropped()) return true;
  if (!may_keep_one_more()) return false;
  keep(std::move(value), 1);
  return true;
}

bool JsonBuilder::open(json value) {
  if (!may_go_on()) return false;
  if (is_dropped()) {
    ++dropped_levels_;
    return true;
  }
  if (!may_keep_one_more()) return false;
  levels_.push_back({std::move(value), {}, 1});
  return true;
}

bool JsonBuilder::key(std::string& name) {
  if (dropped_levels_ == 0) levels_.back().name = std::move(name);
  return true;
}

bool JsonBuilder::close() {
  if (dropped_levels_ > 0) {
    --dropped_levels_;
    return true;
  }
  Level level = std::move(levels_.back());
  levels_.pop_back();
  const auto taken = is_taken(level.value);
  if (!taken) return refuse(tl::unexpected(taken.error()));
  if (*taken)
    kept_ -= level.values;
  else
    keep(std::move(level.value), level.values);
  return true;
}

Result<bool> JsonBuilder::is_taken(json& value) const {
  if (!reading_.take) return false;
  std::vector<std::string_view> names;
  names.reserve(levels_.size());
  for (const Level& outer : levels_) names.push_back(outer.name);
  return reading_.take(names, value);
}

bool JsonBuilder::parse_error(std::size_t byte, const std::string& /*token*/, const json::exception& error) {
  constexpr int number_out_of_range = 406;
  if (error.id == number_out_of_range)
    return refuse(fail(ErrorCode::corrupt_file, fmt::format("{} is not JSON that can be read.", name_),
                       std::string(name_), error.what()));
  return refuse(no_json(name_, byte, error.what()));
}

}  // namespace quantscope
