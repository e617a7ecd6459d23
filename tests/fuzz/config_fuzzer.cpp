// SPDX-License-Identifier: GPL-3.0-or-later
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <span>

#include "core/checkpoint/config_json.h"
#include "core/checkpoint/json_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const nlohmann::json config = quantscope::parse_json(std::as_bytes(std::span(data, size)));
  if (!config.is_object()) return 0;
  const auto model = quantscope::describe_config(config, "config.json");
  if (!model) {
    if (model.error().message.empty()) std::abort();
    return 0;
  }
  if (quantscope::weight_slots(*model).empty()) std::abort();
  return 0;
}
