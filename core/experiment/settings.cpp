// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace quantscope {
namespace {

constexpr std::array<ConfigurationName, 15> names = {{
    {"fp16", "FP16", "Every linear weight as IEEE half precision.", true},
    {"bf16", "BF16", "Every linear weight as bfloat16.", true},
    {"int8", "INT8 (LLM.int8)", "Weights by row and activations by token to 8 bits, outlier columns apart.", true},
    {"int4", "INT4", "Evenly spaced 4-bit levels, one absmax per block.", true},
    {"nf4", "NF4", "4-bit levels at the quantiles of a normal distribution, one absmax per block.", true},
    {"nf4-dq", "NF4 + double quantization", "NF4 with its absmax values quantized to 8 bits.", true},
    {"fp4", "FP4", "4-bit floating-point levels of bitsandbytes, one absmax per block.", true},
    {"fp32", "FP32", "Every linear weight in single precision.", false},
    {"int8-weight", "INT8 weight-only", "The 8-bit codes of LLM.int8() decoded; activations untouched.", false},
    {"int4-dq", "INT4 + double quantization", "INT4 with its absmax values quantized to 8 bits.", false},
    {"fp4-dq", "FP4 + double quantization", "FP4 with its absmax values quantized to 8 bits.", false},
    {"gptq", "GPTQ", "4-bit codes found by second-order error compensation on calibration text.", false},
    {"awq", "AWQ", "4-bit codes after activation-aware channel scaling on calibration text.", false},
    {"hqq", "HQQ", "4-bit codes with zero points by half-quadratic optimisation.", false},
    {"as-stored", "As stored", "The checkpoint's own codes and scales, nothing quantized again.", false},
}};

constexpr std::array<std::string_view, 12> keys = {"block",  "compute", "double-quant", "scope",
                                                   "head",   "kv",      "override",     "int8-threshold",
                                                   "device", "threads", "simd",         "context"};

Settings from_name(std::string_view name) {
  Settings settings;
  if (name == method_name(Method::as_stored)) {
    settings.method = Method::as_stored;
    return settings;
  }
  const bool double_quantization = name.ends_with("-dq");
  const std::string_view stem = double_quantization ? name.substr(0, name.size() - 3) : name;
  settings.double_quantization = double_quantization;
  if (stem == "int8-weight") {
    settings.type = DataType::int8;
    settings.weight_only_int8 = true;
  } else if (const auto type = parse_data_type(stem)) {
    settings.type = *type;
    const bool of_bitsandbytes = stem == "int8" || stem == "nf4" || stem == "fp4";
    if (of_bitsandbytes) settings.method = Method::bitsandbytes;
  } else {
    settings.type = DataType::int4;
    settings.method = stem == "gptq" ? Method::gptq : stem == "awq" ? Method::awq : Method::hqq;
  }
  return settings;
}

tl::unexpected<Error> bad_value(std::string_view key, std::string_view value, std::string_view expected) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}={} is not understood: {} expected.", key, value, expected),
              std::string(key));
}

Result<std::int64_t> parse_integer(std::string_view key, std::string_view value) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0)
    return bad_value(key, value, "a whole number of at least 0");
  return number;
}

Result<bool> parse_switch(std::string_view key, std::string_view value) {
  if (value == "on" || value == "true" || value == "1") return true;
  if (value == "off" || value == "false" || value == "0") return false;
  return bad_value(key, value, "on or off");
}

Result<HeadPolicy> parse_head(std::string_view value) {
  if (value == "keep") return HeadPolicy::keep;
  if (value == "int8") return HeadPolicy::int8;
  if (value == "same") return HeadPolicy::same;
  return bad_value("head", value, "keep, int8 or same");
}

Result<double> parse_threshold(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !(number >= 0) || number > 1e9)
    return bad_value("int8-threshold", value, "a number of at least 0 (0 = no outlier columns)");
  return number;
}

Result<DataType> parse_kv(std::string_view value) {
  const auto type = parse_data_type(value);
  if (!type || !is_dense(*type)) return bad_value("kv", value, "fp32, fp16 or bf16");
  return *type;
}

Result<Settings::Override> parse_override(std::string_view value) {
  const std::size_t equals = value.rfind('=');
  if (equals == std::string_view::npos || equals == 0) return bad_value("override", value, "PATTERN=TYPE");
  return Settings::Override{std::string(value.substr(0, equals)), std::string(value.substr(equals + 1))};
}

/// Cuts the next setting=value off `rest`. Commas of a value are written "\\,".
std::string next_pair(std::string_view& rest) {
  std::string pair;
  std::size_t i = 0;
  for (; i < rest.size() && rest[i] != ','; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == ',') ++i;
    pair += rest[i];
  }
  rest = i < rest.size() ? rest.substr(i + 1) : std::string_view();
  return pair;
}

/// Stores a parsed value in a field, or passes its error on.
template <class T, class Field>
Result<void> store(Result<T> parsed, Field& field) {
  if (!parsed) return tl::unexpected(parsed.error());
  field = static_cast<Field>(std::move(*parsed));
  return {};
}

}  // namespace

Result<void> set_setting(Settings& settings, std::string_view key, std::string_view value) {
  if (key == "block") return store(parse_integer(key, value), settings.block_size);
  if (key == "compute") return store(parse_compute(value), settings.compute);
  if (key == "double-quant") return store(parse_switch(key, value), settings.double_quantization);
  if (key == "scope") return store(Result<std::string>(std::string(value)), settings.scope);
  if (key == "head") return store(parse_head(value), settings.head);
  if (key == "kv") return store(parse_kv(value), settings.kv_type);
  if (key == "int8-threshold") return store(parse_threshold(value), settings.int8_threshold);
  if (key == "device") return store(Result<std::string>(std::string(value)), settings.device);
  if (key == "threads") return store(parse_integer(key, value), settings.threads);
  if (key == "simd") return store(Result<std::string>(std::string(value)), settings.simd);
  if (key == "context") return store(parse_integer(key, value), settings.context);
  if (key == "override") {
    auto parsed = parse_override(value);
    if (!parsed) return tl::unexpected(parsed.error());
    settings.overrides.push_back(std::move(*parsed));
    return {};
  }
  return fail(ErrorCode::invalid_argument,
              fmt::format("Unknown setting \"{}\". Known settings: {}.", key, fmt::join(keys, ", ")), std::string(key));
}

std::span<const ConfigurationName> configuration_names() { return names; }

Result<Settings> parse_configuration(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto known = [&](const ConfigurationName& entry) { return entry.name == name; };
  if (std::none_of(names.begin(), names.end(), known)) {
    std::vector<std::string_view> list;
    for (const ConfigurationName& entry : names) list.push_back(entry.name);
    return fail(ErrorCode::invalid_argument,
                fmt::format("Unknown configuration \"{}\". Known ones: {}; settings follow a colon, as in "
                            "nf4:block=128,compute=fp32.",
                            name, fmt::join(list, ", ")),
                "configuration");
  }
  Settings settings = from_name(name);
  std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  while (!rest.empty()) {
    const std::string text_of_pair = next_pair(rest);
    const std::string_view pair = text_of_pair;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos)
      return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is not of the form setting=value.", pair),
                  "configuration");
    if (auto set = set_setting(settings, pair.substr(0, equals), pair.substr(equals + 1)); !set)
      return tl::unexpected(set.error());
  }
  return settings;
}

std::string_view method_name(Method method) {
  constexpr std::array<std::string_view, 6> method_names = {"none", "bitsandbytes", "gptq", "awq", "hqq", "as-stored"};
  return method_names[static_cast<std::size_t>(method)];
}

Result<Method> parse_method(std::string_view name) {
  for (const Method method :
       {Method::none, Method::bitsandbytes, Method::gptq, Method::awq, Method::hqq, Method::as_stored})
    if (method_name(method) == name) return method;
  return bad_value("method", name, "none, bitsandbytes, gptq, awq, hqq or as-stored");
}

std::string_view compute_name(ComputeType compute) { return data_type_info(compute_data_type(compute)).name; }

DataType compute_data_type(ComputeType compute) {
  switch (compute) {
    case ComputeType::fp32: return DataType::fp32;
    case ComputeType::fp16: return DataType::fp16;
    case ComputeType::bf16: return DataType::bf16;
  }
  return DataType::fp32;
}

Result<ComputeType> parse_compute(std::string_view name) {
  for (const ComputeType compute : {ComputeType::fp32, ComputeType::fp16, ComputeType::bf16})
    if (compute_name(compute) == name) return compute;
  return bad_value("compute", name, "fp32, fp16 or bf16");
}

}  // namespace quantscope
