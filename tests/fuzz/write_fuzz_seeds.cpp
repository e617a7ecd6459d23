// SPDX-License-Identifier: GPL-3.0-or-later
// Writes whole small files as the first inputs of the fuzzers: write_fuzz_seeds <folder>
#include <filesystem>
#include <fstream>

#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/support/reference_data.h"

namespace {

/// The description and the GGUF file of every family, each under the name of its case.
void copy_architectures(const std::filesystem::path& target) {
  namespace fs = std::filesystem;
  const fs::path cases = quantscope::testing::source_folder() / "tests/data/architectures";
  for (const auto& entry : fs::directory_iterator(cases)) {
    const auto copy = [&](const char* file, const char* kind) {
      if (fs::exists(entry.path() / file))
        fs::copy_file(entry.path() / file, target / kind / entry.path().filename(),
                      fs::copy_options::overwrite_existing);
    };
    copy("config.json", "config");
    copy("model.gguf", "gguf");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto write = [folder = std::filesystem::path(arguments[1])](const char* kind, const std::string& bytes) {
    std::filesystem::create_directories(folder / kind);
    std::ofstream(folder / kind / "small", std::ios::binary) << bytes;
  };
  write("gguf", quantscope::testing::small_gguf().build());
  write("safetensors", quantscope::testing::safetensors_file(quantscope::testing::small_tensors()));
  write("config", quantscope::testing::small_config());
  copy_architectures(arguments[1]);
  return 0;
}
