// SPDX-License-Identifier: GPL-3.0-or-later
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/checkpoint/open_gguf.h"
#include "tests/fuzz/read_everything.h"

namespace {

/// A folder for the two parts that is removed at the end.
class PartsFolder {
 public:
  PartsFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gguf-parts-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~PartsFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PartsFolder(const PartsFolder&) = delete;
  PartsFolder& operator=(const PartsFolder&) = delete;

  std::filesystem::path write(const char* name, const std::uint8_t* data, std::size_t size) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

/// Input: the length of the first part (32 bits), then both parts of a model of two.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const PartsFolder folder;
  std::uint32_t first = 0;
  if (size < sizeof first) return 0;
  std::memcpy(&first, data, sizeof first);
  data += sizeof first;
  size -= sizeof first;
  first = static_cast<std::uint32_t>(std::min<std::size_t>(first, size));
  const auto path = folder.write("fuzz-00001-of-00002.gguf", data, first);
  folder.write("fuzz-00002-of-00002.gguf", data + first, size - first);
  quantscope::fuzzing::read_everything(quantscope::open_gguf(path));
  return 0;
}
