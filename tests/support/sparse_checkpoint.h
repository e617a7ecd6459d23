// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace quantscope::testing {

/// A Llama as config.json describes it; other fields take the family's defaults.
struct LlamaSizes {
  std::int64_t vocabulary = 0;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
};
/// 8.03 billion values, 16.06 GB in BF16.
inline constexpr LlamaSizes llama_8b{128256, 4096, 14336, 32, 32, 8};

/// Writes a Hugging Face folder of BF16 weights in `shards` files (model.safetensors if it is one), whose tensors are
/// holes that read as zeros but for the first `filled_bytes` of each: sizes are real, and hardly a block of the disk is
/// taken. Returns the bytes of all tensors. Throws std::runtime_error where the file system has no such files.
std::uint64_t write_sparse_checkpoint(const std::filesystem::path& folder, const LlamaSizes& sizes, int shards,
                                      std::uint64_t filled_bytes = 0);

}  // namespace quantscope::testing
