// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace quantscope::testing {

/// The folder with `reference/` and `data/` (QUANTSCOPE_SHARED, else ../shared beside the source tree); empty if
/// absent.
std::filesystem::path shared_folder();
/// The default model file (QUANTSCOPE_DEFAULT_MODEL, else the user's cache folder); empty if absent.
std::filesystem::path default_model_file();
/// The source tree.
std::filesystem::path source_folder();

/// A tensor of an oracle file, raw bytes as stored. Reads independently of the program's own reader.
struct OracleTensor {
  std::string dtype;  ///< "F32", "F16", "BF16", "I8", "U8", "I32", "I64", "F64"
  std::vector<std::int64_t> shape;
  std::vector<unsigned char> bytes;

  template <class T>
  std::vector<T> as() const {
    const T* first = reinterpret_cast<const T*>(bytes.data());
    return {first, first + bytes.size() / sizeof(T)};
  }
};
using OracleFile = std::map<std::string, OracleTensor>;
OracleFile read_oracle(const std::filesystem::path& safetensors);

}  // namespace quantscope::testing

/// At the top of a test that needs the reference data: skips, and says so, where it is absent.
#define QUANTSCOPE_REQUIRE_SHARED()                                                                   \
  if (quantscope::testing::shared_folder().empty()) {                                                 \
    GTEST_SKIP() << "ORACLE SKIPPED: reference data not found (set QUANTSCOPE_SHARED to its folder)"; \
  }                                                                                                   \
  static_assert(true)

/// Likewise for the default model.
#define QUANTSCOPE_REQUIRE_DEFAULT_MODEL()                                                    \
  if (quantscope::testing::default_model_file().empty()) {                                    \
    GTEST_SKIP() << "ORACLE SKIPPED: default model not in the cache folder (see app/run.sh)"; \
  }                                                                                           \
  static_assert(true)
