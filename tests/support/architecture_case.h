// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/support/reference_data.h"

namespace quantscope::testing {

/// One folder of tests/data/architectures: a tiny random model of a family and what Hugging Face transformers makes of
/// it. See the README.md there.
struct ArchitectureCase {
  std::filesystem::path folder;
  OracleFile outputs;

  /// Throws std::runtime_error when the folder is damaged.
  static ArchitectureCase open(const std::string& name);

  /// Writes the Hugging Face folder with its weights made; `replaced` exchanges fields of config.json (JSON text).
  void write_checkpoint(const std::filesystem::path& target,
                        const std::map<std::string, std::string>& replaced = {}) const;
};

}  // namespace quantscope::testing
