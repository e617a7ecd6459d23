// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/checkpoint/file_tensor.h"

namespace quantscope {

/// Everything of a safetensors file before its data.
struct SafetensorsHeader {
  std::vector<FileTensor> tensors;  ///< in order of name, of all types; offsets are absolute
  std::uint64_t data_offset = 0;
};

/// Reads and checks the header of a safetensors file: every tensor lies inside `bytes` and, where its dtype is known,
/// has as many bytes as its shape says. Source: huggingface/safetensors, README.md, "Format".
Result<SafetensorsHeader> read_safetensors_header(std::span<const std::byte> bytes, const std::filesystem::path& file);

}  // namespace quantscope
