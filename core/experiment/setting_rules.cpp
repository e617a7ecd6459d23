// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/setting_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <regex>

namespace quantscope {
namespace {

using Rule = std::optional<Conflict> (*)(const RuleContext&);

bool is_four_bit(DataType type) { return data_type_info(type).bits == 4; }

std::string_view label(DataType type) { return data_type_info(type).label; }

bool is_regular_expression(const std::string& pattern) {
  try {
    const std::regex compiled(pattern, std::regex::ECMAScript);
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

std::optional<Conflict> method_exists(const RuleContext& context) {
  switch (context.settings.method) {
    case Method::gptq:
    case Method::awq:
    case Method::hqq:
      return Conflict{"method",
                      fmt::format("The method {} is not available in this version; INT4 by round to nearest is.",
                                  method_name(context.settings.method)),
                      "none"};
    default: return std::nullopt;
  }
}

/// As stored, the checkpoint decides every format, so settings that would decide one are refused.
std::optional<Conflict> as_stored_decides_formats(const RuleContext& context) {
  const Settings& settings = context.settings;
  if (settings.method != Method::as_stored) return std::nullopt;
  constexpr std::string_view why = "A checkpoint that runs as stored keeps the format of every weight.";
  if (context.stored.empty())
    return Conflict{"method", "A plan (a config.json without weights) stores nothing that could run as stored.",
                    "none"};
  if (settings.block_size) return Conflict{"block_size", std::string(why), ""};
  if (settings.double_quantization) return Conflict{"double_quantization", std::string(why), "off"};
  if (settings.weight_only_int8) return Conflict{"weight_only_int8", std::string(why), "off"};
  if (settings.scope != "linears") return Conflict{"scope", std::string(why), "linears"};
  if (settings.head != HeadPolicy::keep) return Conflict{"head", std::string(why), "keep"};
  if (!settings.overrides.empty()) return Conflict{"override", std::string(why), ""};
  return std::nullopt;
}

std::optional<Conflict> method_has_type(const RuleContext& context) {
  const Settings& settings = context.settings;
  const bool library_type = settings.type == DataType::nf4 || settings.type == DataType::fp4 ||
                            (settings.type == DataType::int8 && !settings.weight_only_int8);
  if (settings.method == Method::bitsandbytes && !library_type)
    return Conflict{"method",
                    fmt::format("bitsandbytes has NF4, FP4 and LLM.int8(), not {}{}.", label(settings.type),
                                settings.weight_only_int8 ? " weight-only" : ""),
                    "none"};
  if (settings.method == Method::none && library_type)
    return Conflict{"method", fmt::format("{} is a format of bitsandbytes.", label(settings.type)), "bitsandbytes"};
  return std::nullopt;
}

std::optional<Conflict> weight_only_is_int8(const RuleContext& context) {
  if (!context.settings.weight_only_int8 || context.settings.type == DataType::int8) return std::nullopt;
  return Conflict{"type", "Weight-only is a variant of INT8; 4-bit types are weight-only by themselves.", "int8"};
}

std::optional<Conflict> block_size_fits(const RuleContext& context) {
  const Settings& settings = context.settings;
  if (!settings.block_size) return std::nullopt;
  if (!is_four_bit(settings.type))
    return Conflict{"block_size",
                    settings.type == DataType::int8
                        ? "INT8 has one scale per output row, not per block."
                        : fmt::format("{} has no scales and so no blocks.", label(settings.type)),
                    ""};
  if (std::find(block_sizes.begin(), block_sizes.end(), *settings.block_size) != block_sizes.end()) return std::nullopt;
  const auto nearest = *std::min_element(block_sizes.begin(), block_sizes.end(), [&](std::int64_t a, std::int64_t b) {
    return std::abs(a - *settings.block_size) < std::abs(b - *settings.block_size);
  });
  return Conflict{
      "block_size",
      fmt::format("Block size {} does not exist; there are {}.", *settings.block_size, fmt::join(block_sizes, ", ")),
      std::to_string(nearest)};
}

std::optional<Conflict> double_quantization_fits(const RuleContext& context) {
  if (!context.settings.double_quantization || is_four_bit(context.settings.type)) return std::nullopt;
  return Conflict{"double_quantization",
                  fmt::format("Double quantization compresses the block scales of 4-bit types; {} has none.",
                              label(context.settings.type)),
                  "off"};
}

std::optional<Conflict> compute_fits(const RuleContext& context) {
  const Settings& settings = context.settings;
  if (settings.method == Method::as_stored) return std::nullopt;
  if (!settings.compute || !is_dense(settings.type) || compute_data_type(*settings.compute) == settings.type)
    return std::nullopt;
  return Conflict{"compute",
                  fmt::format("{} weights are computed in {}; another compute type would be another data type.",
                              label(settings.type), label(settings.type)),
                  std::string(data_type_info(settings.type).name)};
}

std::optional<Conflict> patterns_are_valid(const RuleContext& context) {
  const Settings& settings = context.settings;
  if (settings.scope != "linears" && settings.scope != "all" && !is_regular_expression(settings.scope))
    return Conflict{"scope", fmt::format("The scope \"{}\" is not a regular expression.", settings.scope), "linears"};
  for (const Settings::Override& item : settings.overrides) {
    if (!is_regular_expression(item.pattern))
      return Conflict{"override", fmt::format("The pattern \"{}\" is not a regular expression.", item.pattern), ""};
    const auto parsed = parse_configuration(item.type);
    if (!parsed) return Conflict{"override", parsed.error().message, ""};
    if (parsed->method != Method::none && parsed->method != Method::bitsandbytes)
      return Conflict{"override", fmt::format("{} cannot be used for single weights.", item.type), ""};
  }
  return std::nullopt;
}

std::optional<Conflict> head_policy_fits(const RuleContext& context) {
  if (context.settings.head != HeadPolicy::same || !is_dense(context.settings.type)) return std::nullopt;
  return Conflict{
      "head",
      fmt::format("{} does not quantize, so there is nothing for the head to follow.", label(context.settings.type)),
      "keep"};
}

std::optional<Conflict> threshold_is_valid(const RuleContext& context) {
  if (context.settings.int8_threshold >= 0) return std::nullopt;
  return Conflict{"int8_threshold", "The outlier threshold is a magnitude: 0 (off) or more.", "6.0"};
}

std::optional<Conflict> device_exists(const RuleContext& context) {
  const std::string& wanted = context.settings.device;
  const DeviceDescription& device = context.device;
  if (wanted != "auto" && wanted != device.id && wanted + ":0" != device.id)
    return Conflict{"device", fmt::format("The device {} is not available here; {} is.", wanted, device.id), device.id};
  if (!device.unavailable.empty()) return Conflict{"device", device.unavailable, "cpu"};
  return std::nullopt;
}

std::optional<Conflict> dispatch_level_exists(const RuleContext& context) {
  const auto& levels = context.device.dispatch_levels;
  const std::string& wanted = context.settings.simd;
  if (wanted == "auto" || std::find(levels.begin(), levels.end(), wanted) != levels.end()) return std::nullopt;
  return Conflict{
      "simd", fmt::format("This processor cannot run \"{}\"; it can run {}.", wanted, fmt::join(levels, ", ")), "auto"};
}

std::optional<Conflict> threads_are_valid(const RuleContext& context) {
  constexpr int most = 1024;
  if (context.settings.threads >= 0 && context.settings.threads <= most) return std::nullopt;
  return Conflict{"threads", fmt::format("Threads go from 1 to {}; 0 takes all processors.", most), "0"};
}

std::optional<Conflict> context_fits(const RuleContext& context) {
  const std::int64_t trained = context.model.context;
  if (context.settings.context >= 0 && (trained == 0 || context.settings.context <= trained)) return std::nullopt;
  return Conflict{"context", fmt::format("The model was trained for up to {} tokens of context.", trained),
                  std::to_string(trained)};
}

constexpr std::array<Rule, 14> rules = {method_exists,     as_stored_decides_formats,
                                        method_has_type,   weight_only_is_int8,
                                        block_size_fits,   double_quantization_fits,
                                        compute_fits,      patterns_are_valid,
                                        head_policy_fits,  threshold_is_valid,
                                        device_exists,     dispatch_level_exists,
                                        threads_are_valid, context_fits};

}  // namespace

std::optional<Conflict> first_conflict(const RuleContext& context) {
  for (const Rule rule : rules)
    if (auto conflict = rule(context)) return conflict;
  return std::nullopt;
}

}  // namespace quantscope
