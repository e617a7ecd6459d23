// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"

namespace quantscope {

/// A tensor of a type that is not read, say an I64 buffer. Harmless unless the model needs it.
struct UnreadTensor {
  std::string name;
  std::string dtype;
};

/// Everything of a safetensors file before its data.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< in order of name; offsets are absolute
  std::vector<UnreadTensor> unread;
  std::uint64_t data_offset = 0;
};

/// Reads and checks the header of a safetensors file: every tensor lies inside `bytes` and has as many bytes as its
/// shape says. Source: huggingface/safetensors, README.md, "Format".
Result<SafetensorsHeader> read_safetensors_header(std::span<const std::byte> bytes, const std::filesystem::path& file);

}  // namespace quantscope
