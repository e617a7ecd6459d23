// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"
#include "kernels/formats/data_type.h"

namespace quantscope {

/// How codes are found. `none` is plain round to nearest: the dense types, INT4 and INT8 weight-only. `as_stored` takes
/// every weight in the format of the checkpoint, whatever `type` says.
enum class Method : std::uint8_t { none, bitsandbytes, gptq, awq, hqq, as_stored };
enum class HeadPolicy : std::uint8_t { keep, int8, same };

/// What a user chooses for one configuration. Empty optionals mean "the default for this type"; `resolve` fills them.
struct Settings {
  Method method = Method::none;
  DataType type = DataType::fp32;
  bool weight_only_int8 = false;           ///< type int8: decode the codes, leave activations alone
  std::optional<std::int64_t> block_size;  ///< default 64 for 4-bit types
  bool double_quantization = false;
  std::optional<ComputeType> compute;  ///< default: bf16 for quantized types, the type itself for dense ones; as
                                       ///< stored likewise, by what most linear weights are stored in
  std::string scope = "linears";       ///< linears, all, or a regular expression over weight names
  HeadPolicy head = HeadPolicy::keep;
  double int8_threshold = 6.0;
  std::optional<DataType> kv_type;  ///< default: the compute type
  struct Override {
    std::string pattern;  ///< regular expression over weight names
    std::string type;     ///< a short name without settings
    bool operator==(const Override&) const = default;
  };
  std::vector<Override> overrides;  ///< first match wins
  std::string device = "auto";
  int threads = 0;  ///< 0 = all
  std::string simd = "auto";
  std::int64_t context = 0;  ///< 0 = what the task needs

  bool operator==(const Settings&) const = default;
};

/// The short names users type ("nf4-dq") in the order *Compare all* runs them first, with their labels.
struct ConfigurationName {
  std::string_view name;
  std::string_view label;        ///< "NF4 + double quantization"
  std::string_view description;  ///< one sentence
  bool in_compare_all;
};
std::span<const ConfigurationName> configuration_names();

/// "nf4:block=128,compute=fp32" -> Settings. Unknown names list the known ones; unknown keys list the keys.
Result<Settings> parse_configuration(std::string_view text);
/// The shortest text that parses back to these settings ("nf4-dq:block=128").
std::string configuration_text(const Settings& settings);
/// The same without device, dispatch level and threads. What really ran names the first two; threads decide no number.
std::string arithmetic_text(Settings settings);
/// For tables: "NF4 + double quantization, block 128".
std::string configuration_label(const Settings& settings);

/// Sets one field from text, as after the colon of a configuration or as a command line option without its dashes:
/// block, compute, double-quant, scope, head, kv, override, int8-threshold, device, threads, simd, context.
Result<void> set_setting(Settings& settings, std::string_view key, std::string_view value);

/// The dense data type that values of a compute type are stored as.
DataType compute_data_type(ComputeType compute);

std::string_view method_name(Method method);
std::string_view compute_name(ComputeType compute);
Result<Method> parse_method(std::string_view name);
Result<ComputeType> parse_compute(std::string_view name);

}  // namespace quantscope
