// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/checkpoint_writers.h"

#include <array>

namespace quantscope::cli {

std::span<const CheckpointWriter> checkpoint_writers() {
  static const std::array<CheckpointWriter, 1> writers = {{
      {"gguf", "one .gguf file for llama.cpp; --gguf-type says in which type", write_gguf_file},
  }};
  return writers;
}

}  // namespace quantscope::cli
