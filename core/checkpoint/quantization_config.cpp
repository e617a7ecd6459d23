// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/quantization_config.h"

#include <fmt/format.h>

#include <system_error>

#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string first_of(QuantizationConfig::Names names) { return *names.begin(); }

}  // namespace

const json* QuantizationConfig::find(Names names) const {
  for (const char* name : names) {
    const auto found = fields_.find(name);
    if (found != fields_.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

Result<std::string> QuantizationConfig::method() const {
  const json* value = find({"quant_method", "method"});
  if (value != nullptr && value->is_string()) return value->get<std::string>();
  return damaged("quant_method", "is missing, so it is not known how the weights are quantized");
}

Result<std::int64_t> QuantizationConfig::integer(Names names, std::optional<std::int64_t> fallback) const {
  const json* value = find(names);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr) return damaged(first_of(names), "is missing");
  const auto number = whole_number(*value);
  if (!number) return damaged(first_of(names), "is not a whole number");
  return *number;
}

Result<bool> QuantizationConfig::boolean(Names names, bool fallback) const {
  const json* value = find(names);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return damaged(first_of(names), "is not true or false");
  return value->get<bool>();
}

Result<std::string> QuantizationConfig::text(Names names, std::string_view fallback) const {
  const json* value = find(names);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) return damaged(first_of(names), "is not text");
  return value->get<std::string>();
}

tl::unexpected<Error> QuantizationConfig::unsupported(std::string_view field, std::string_view what) const {
  return fail(ErrorCode::unsupported,
              fmt::format("In {}, '{}' of quantization_config {}.", file_.filename().string(), field, what),
              fmt::format("{}, quantization_config.{}", file_.string(), field));
}

tl::unexpected<Error> QuantizationConfig::damaged(std::string_view field, std::string_view what) const {
  return fail(ErrorCode::corrupt_file,
              fmt::format("In {}, '{}' of quantization_config {}.", file_.filename().string(), field, what),
              fmt::format("{}, quantization_config.{}", file_.string(), field));
}

Result<std::optional<QuantizationConfig>> read_quantization_config(const json& config, const fs::path& config_file) {
  const auto found = config.find("quantization_config");
  if (found != config.end() && !found->is_null()) {
    if (!found->is_object()) return QuantizationConfig({}, config_file).damaged("", "is not an object");
    return QuantizationConfig(*found, config_file);
  }
  for (const char* name : {"quantize_config.json", "quant_config.json"}) {
    const fs::path path = config_file.parent_path() / name;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    auto document = open_json(path);
    if (!document) return tl::unexpected(std::move(document.error()));
    // The files of that time do not all say that they are GPTQ's; AWQ's always did.
    if (!document->root.contains("quant_method")) document->root["quant_method"] = "gptq";
    return QuantizationConfig(std::move(document->root), path);
  }
  return std::nullopt;
}

}  // namespace quantscope
