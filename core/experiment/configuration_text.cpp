// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/experiment/settings.h"

namespace quantscope {
namespace {

/// The short name whose settings are nearest: same method, type and the flags that names express.
const ConfigurationName& base_name(const Settings& settings) {
  const auto names = configuration_names();
  for (const ConfigurationName& entry : names) {
    const Settings candidate = *parse_configuration(entry.name);
    if (candidate.method == settings.method && candidate.type == settings.type &&
        candidate.weight_only_int8 == settings.weight_only_int8 &&
        candidate.double_quantization == settings.double_quantization)
      return entry;
  }
  // A combination without a name of its own (double quantization of a dense type, say): resolve refuses it.
  for (const ConfigurationName& entry : names)
    if (parse_configuration(entry.name)->type == settings.type) return entry;
  return names.front();
}

std::string_view head_name(HeadPolicy head) {
  return head == HeadPolicy::keep ? "keep" : head == HeadPolicy::int8 ? "int8" : "same";
}

std::string with_escaped_commas(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// Every setting that differs from the short name's own, as key=value.
std::vector<std::string> differences(const Settings& settings, const Settings& base) {
  std::vector<std::string> list;
  if (settings.block_size && settings.block_size != base.block_size)
    list.push_back(fmt::format("block={}", *settings.block_size));
  if (settings.compute) list.push_back(fmt::format("compute={}", compute_name(*settings.compute)));
  if (settings.double_quantization != base.double_quantization)
    list.push_back(fmt::format("double-quant={}", settings.double_quantization ? "on" : "off"));
  if (settings.scope != base.scope) list.push_back("scope=" + with_escaped_commas(settings.scope));
  if (settings.head != base.head) list.push_back(fmt::format("head={}", head_name(settings.head)));
  if (settings.kv_type) list.push_back(fmt::format("kv={}", data_type_info(*settings.kv_type).name));
  if (settings.int8_threshold != base.int8_threshold)
    list.push_back(fmt::format("int8-threshold={}", settings.int8_threshold));
  for (const Settings::Override& item : settings.overrides)
    list.push_back(fmt::format("override={}={}", with_escaped_commas(item.pattern), item.type));
  if (settings.device != base.device) list.push_back("device=" + settings.device);
  if (settings.threads != base.threads) list.push_back(fmt::format("threads={}", settings.threads));
  if (settings.simd != base.simd) list.push_back("simd=" + settings.simd);
  if (settings.context != base.context) list.push_back(fmt::format("context={}", settings.context));
  return list;
}

}  // namespace

std::string configuration_text(const Settings& settings) {
  const ConfigurationName& name = base_name(settings);
  const auto list = differences(settings, *parse_configuration(name.name));
  return list.empty() ? std::string(name.name) : fmt::format("{}:{}", name.name, fmt::join(list, ","));
}

std::string arithmetic_text(Settings settings) {
  const Settings defaults;
  settings.device = defaults.device;
  settings.simd = defaults.simd;
  settings.threads = defaults.threads;
  return configuration_text(settings);
}

std::string configuration_label(const Settings& settings) {
  const ConfigurationName& name = base_name(settings);
  std::string label(name.label);
  for (const std::string& difference : differences(settings, *parse_configuration(name.name))) {
    std::string words = difference;
    words.replace(words.find('='), 1, " ");
    label += ", " + words;
  }
  return label;
}

}  // namespace quantscope
