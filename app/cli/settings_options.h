// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <string>
#include <vector>

#include "core/experiment/settings.h"

namespace quantscope::cli {

/// SETTINGS, the same in every sub-command: a configuration ("nf4", "nf4:block=128") and options that change it.
class SettingsOptions {
 public:
  /// Adds the options; with `positional` also the configuration as an argument after the model.
  void add_to(CLI::App& command, bool positional);

  /// The configuration given (or --type, or `fallback`) with all options applied.
  Result<Settings> settings(std::string_view fallback = "bf16") const;
  /// Options applied to a configuration given elsewhere.
  Result<Settings> applied_to(std::string_view configuration) const;

 private:
  struct Option {
    std::string key;
    std::vector<std::string> values;
  };
  std::string configuration_;
  std::string method_;
  std::string type_;
  bool double_quantization_ = false;
  std::array<Option, 11> options_;
};

}  // namespace quantscope::cli
