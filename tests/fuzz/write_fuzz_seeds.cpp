// SPDX-License-Identifier: GPL-3.0-or-later
// Writes whole small files as the first inputs of the fuzzers: write_fuzz_seeds <folder>
#include <filesystem>
#include <fstream>

#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/support/ggml_data.h"
#include "tests/support/reference_data.h"

namespace {

using namespace quantscope::testing;

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

/// The small model with one more tensor of the given type.
std::string gguf_with(const quantscope::GgmlTypeInfo& info) {
  const auto blocks = random_ggml_blocks(info.type, static_cast<std::size_t>(512 / info.block_values));
  const std::string bytes(reinterpret_cast<const char*>(blocks.data()), blocks.size());
  return small_gguf().tensor("extra", {512, 1}, static_cast<std::uint32_t>(info.type), bytes).build();
}

GgufBuilder numbered(GgufBuilder builder, std::uint16_t number) {
  builder.raw("split.no", 2, bytes_of(number)).raw("split.count", 2, bytes_of<std::uint16_t>(2));
  return builder.raw("split.tensors.count", 5, bytes_of(std::int32_t{20}));
}

/// As tests/fuzz/gguf_parts_fuzzer.cpp takes them.
std::string gguf_parts() {
  const std::string first = numbered(small_gguf().without_tensor("output_norm.weight"), 0).build();
  const GgufBuilder rest = GgufBuilder().f32_tensor("output_norm.weight", {32}, std::vector<float>(32, 1.0F));
  return bytes_of(static_cast<std::uint32_t>(first.size())) + first + numbered(rest, 1).build();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto write = [folder = std::filesystem::path(arguments[1])](const char* kind, const std::string& bytes,
                                                                    std::string_view name = "small") {
    std::filesystem::create_directories(folder / kind);
    std::ofstream(folder / kind / name, std::ios::binary) << bytes;
  };
  write("gguf", quantscope::testing::small_gguf().build());
  for (const quantscope::GgmlTypeInfo& info : quantscope::ggml_types) write("gguf", gguf_with(info), info.key);
  write("gguf_parts", gguf_parts());
  write("safetensors", quantscope::testing::safetensors_file(quantscope::testing::small_tensors()));
  write("config", quantscope::testing::small_config());
  copy_architectures(arguments[1]);
  return 0;
}
