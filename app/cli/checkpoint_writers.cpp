// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/checkpoint_writers.h"

#include <array>

namespace quantscope::cli {

std::span<const CheckpointWriter> checkpoint_writers() {
  const auto folder = [](std::string_view format) {
    return [format](const WriteRequest& request) { return write_folder(request, format); };
  };
  static const std::array<CheckpointWriter, 5> writers = {{
      {"gguf", "one .gguf file for llama.cpp; --gguf-type says in which type", write_gguf_file},
      {"bitsandbytes", "a folder for transformers, from nf4, nf4-dq, fp4 or int8", folder("bitsandbytes")},
      {"gptq", "a folder of symmetric codes, from int4:block=128 or int8, rounded to nearest", folder("gptq")},
      {"awq", "a folder of codes with zero points, from int4:block=128, rounded to nearest", folder("awq")},
      {"safetensors", "a folder of plain weights, decoded where they are quantized", folder("safetensors")},
  }};
  return writers;
}

}  // namespace quantscope::cli
