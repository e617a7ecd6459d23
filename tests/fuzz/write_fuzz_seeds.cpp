// SPDX-License-Identifier: GPL-3.0-or-later
// Writes whole small files as the first inputs of the fuzzers: write_fuzz_seeds <folder>
#include <filesystem>
#include <fstream>

#include "tests/core/checkpoint/small_checkpoints.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto write = [folder = std::filesystem::path(arguments[1])](const char* kind, const std::string& bytes) {
    std::filesystem::create_directories(folder / kind);
    std::ofstream(folder / kind / "small", std::ios::binary) << bytes;
  };
  write("gguf", quantscope::testing::small_gguf().build());
  write("safetensors", quantscope::testing::safetensors_file(quantscope::testing::small_tensors()));
  write("config", quantscope::testing::small_config());
  return 0;
}
