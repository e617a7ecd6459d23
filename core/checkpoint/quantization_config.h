// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// What a checkpoint says about how its weights are quantized: the object `quantization_config` of config.json, or
/// quantize_config.json, the older place of GPTQ and AWQ. Fields go by several names; each is looked for under all.
class QuantizationConfig {
 public:
  using Names = std::initializer_list<const char*>;

  QuantizationConfig(nlohmann::json fields, std::filesystem::path file)
      : fields_(std::move(fields)), file_(std::move(file)) {}

  /// "bitsandbytes", "gptq", ...; fails with corrupt_file if it is missing.
  Result<std::string> method() const;
  const nlohmann::json& fields() const { return fields_; }
  const std::filesystem::path& file() const { return file_; }

  /// The field's value; `fallback` where it is absent or null. Fails with corrupt_file when it is of another kind, and,
  /// without a fallback, when it is absent.
  Result<std::int64_t> integer(Names names, std::optional<std::int64_t> fallback) const;
  Result<bool> boolean(Names names, bool fallback) const;
  Result<std::string> text(Names names, std::string_view fallback) const;

  /// The error about a field that is whole but of a kind that is not read.
  tl::unexpected<Error> unsupported(std::string_view field, std::string_view what) const;
  tl::unexpected<Error> damaged(std::string_view field, std::string_view what) const;

 private:
  const nlohmann::json* find(Names names) const;

  nlohmann::json fields_;
  std::filesystem::path file_;
};

/// Reads the quantization_config of a config.json that is already parsed, else quantize_config.json or
/// quant_config.json beside it; nothing where there is none. Fails with corrupt_file if it is not an object.
Result<std::optional<QuantizationConfig>> read_quantization_config(const nlohmann::json& config,
                                                                   const std::filesystem::path& config_file);

}  // namespace quantscope
