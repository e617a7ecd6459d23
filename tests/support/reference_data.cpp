// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/reference_data.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace quantscope::testing {
namespace fs = std::filesystem;

fs::path shared_folder() {
  const char* set = std::getenv("QUANTSCOPE_SHARED");
  const fs::path folder = set != nullptr ? fs::path(set) : source_folder().parent_path() / "shared";
  return fs::exists(folder / "reference") ? folder : fs::path();
}

fs::path default_model_file() {
  if (const char* set = std::getenv("QUANTSCOPE_DEFAULT_MODEL")) return fs::exists(set) ? fs::path(set) : fs::path();
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = cache != nullptr ? fs::path(cache) : fs::path(home != nullptr ? home : "/") / ".cache";
  const fs::path file = base / "quantscope/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  return fs::exists(file) ? file : fs::path();
}

fs::path source_folder() { return QUANTSCOPE_SOURCE_DIR; }

OracleFile read_oracle(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t header_bytes = 0;
  if (!file.read(reinterpret_cast<char*>(&header_bytes), 8)) throw std::runtime_error("cannot read " + path.string());
  std::string header(header_bytes, ' ');
  file.read(header.data(), static_cast<std::streamsize>(header_bytes));
  OracleFile tensors;
  const nlohmann::json entries = nlohmann::json::parse(header);
  for (const auto& [name, entry] : entries.items()) {
    if (name == "__metadata__") continue;
    OracleTensor tensor{entry.at("dtype"), entry.at("shape"), {}};
    const std::uint64_t begin = entry.at("data_offsets")[0], end = entry.at("data_offsets")[1];
    tensor.bytes.resize(end - begin);
    file.seekg(static_cast<std::streamoff>(8 + header_bytes + begin));
    if (end > begin &&
        !file.read(reinterpret_cast<char*>(tensor.bytes.data()), static_cast<std::streamsize>(end - begin)))
      throw std::runtime_error("cannot read tensor " + name + " of " + path.string());
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

}  // namespace quantscope::testing
