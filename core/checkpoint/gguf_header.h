// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_metadata.h"

namespace quantscope {

/// Everything of a GGUF file before its data section. Tensors carry the stored name in both name fields, their shape
/// in PyTorch order and an absolute offset.
struct GgufHeader {
  std::uint32_t version = 0;
  GgufMetadata metadata;
  std::vector<TensorInfo> tensors;
  std::uint64_t data_offset = 0;
};

/// Reads and checks the header of a GGUF file, version 2 or 3, little endian. All tensors lie inside `bytes`, one
/// after another as ggml demands. Source: ggml, src/gguf.cpp and docs/gguf.md.
Result<GgufHeader> read_gguf_header(std::span<const std::byte> bytes, const std::filesystem::path& file);

}  // namespace quantscope
