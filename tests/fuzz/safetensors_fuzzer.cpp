// SPDX-License-Identifier: GPL-3.0-or-later
#include <span>

#include "core/checkpoint/json_document.h"
#include "core/checkpoint/open_hugging_face.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/read_everything.h"

/// Two bytes with the length of a quantization_config (0 for none), the config, then a safetensors file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quantscope;
  if (size < 2) return 0;
  const std::size_t config_bytes = data[0] | static_cast<std::size_t>(data[1]) << 8;
  if (config_bytes > size - 2) return 0;
  static fuzzing::MemoryFile file;
  file.write(data + 2 + config_bytes, size - 2 - config_bytes);
  const auto fields = parse_json(std::as_bytes(std::span(data + 2, config_bytes)));
  if (!fields.is_object()) {
    fuzzing::read_everything(open_safetensors(file.path()));
    return 0;
  }
  const QuantizationConfig config(fields, "config.json");
  fuzzing::read_everything(open_safetensors(file.path(), &config));
  return 0;
}
