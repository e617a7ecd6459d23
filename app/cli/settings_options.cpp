// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/settings_options.h"

#include <fmt/format.h>

namespace quantscope::cli {
namespace {

struct OptionText {
  const char* key;
  const char* help;
};

constexpr std::array<OptionText, 11> option_texts = {{
    {"block", "Block size of 4-bit types: 32 ... 4096 (default 64)"},
    {"compute", "Compute type: fp32, fp16 or bf16 (default bf16 for quantized types)"},
    {"scope", "What is quantized: linears, all, or a regular expression over weight names"},
    {"head", "The output head: keep, int8 or same"},
    {"int8-threshold", "LLM.int8(): magnitude from which an activation is an outlier; 0 = none (default 6.0)"},
    {"kv", "Type of the KV cache: fp32, fp16 or bf16 (default: the compute type)"},
    {"override", "PATTERN=TYPE for single weights; may be given several times, first match wins"},
    {"device", "cpu or auto"},
    {"threads", "Threads; 0 = all processors"},
    {"simd", "auto, scalar, avx2, avx512 or avx512bf16"},
    {"context", "Tokens of KV cache; 0 = what the task needs (forecast: 2048 for each sequence)"},
}};

std::string known_configurations() {
  std::string list;
  for (const ConfigurationName& entry : configuration_names()) list += fmt::format("{} ", entry.name);
  return list;
}

}  // namespace

void SettingsOptions::add_to(CLI::App& command, bool positional) {
  if (positional)
    command.add_option("configuration", configuration_,
                       "One of " + known_configurations() + "with settings after a colon: nf4:block=128,compute=fp32");
  const std::string group = "Settings";
  command.add_option("--method", method_, "none, bitsandbytes, gptq, awq, hqq or as-stored")->group(group);
  command.add_option("--type", type_, "Data type: fp32, fp16, bf16, int8, int8-weight, int4, nf4 or fp4")->group(group);
  command.add_flag("--double-quant", double_quantization_, "Quantize the absmax values to 8 bits")->group(group);
  for (std::size_t i = 0; i < options_.size(); ++i) {
    options_[i].key = option_texts[i].key;
    auto* option =
        command.add_option(fmt::format("--{}", option_texts[i].key), options_[i].values, option_texts[i].help);
    option->group(group);
    option->expected(1);
    if (options_[i].key == "override") option->expected(1, -1)->take_all();
  }
}

Result<Settings> SettingsOptions::settings(std::string_view fallback) const {
  if (!configuration_.empty()) return applied_to(configuration_);
  return applied_to(type_.empty() ? fallback : std::string_view(type_));
}

Result<Settings> SettingsOptions::applied_to(std::string_view configuration) const {
  auto settings = parse_configuration(configuration);
  if (!settings) return settings;
  if (!method_.empty()) {
    auto method = parse_method(method_);
    if (!method) return tl::unexpected(method.error());
    settings->method = *method;
  }
  if (double_quantization_) settings->double_quantization = true;
  for (const Option& option : options_)
    for (const std::string& value : option.values)
      if (auto set = set_setting(*settings, option.key, value); !set) return tl::unexpected(set.error());
  return settings;
}

}  // namespace quantscope::cli
