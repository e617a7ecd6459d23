// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/text_list.h"

#include <nlohmann/json.hpp>

#include "core/input/bounded_json.h"

namespace quantscope {
using nlohmann::json;

std::string text_of_list(const std::vector<std::string>& list) {
  return json(list).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<std::string> list_of_text(std::string_view text) {
  const auto value = parse_bounded_json(text, "The list");
  std::vector<std::string> list;
  if (!value || !value->is_array()) return list;
  for (const json& item : *value)
    if (item.is_string()) list.push_back(item.get<std::string>());
  return list;
}

}  // namespace quantscope
