// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>

namespace quantscope::testing {

/// Writes a Hugging Face folder with a two-layer Llama of seeded random weights (about 100,000 values, fp32) and a
/// byte-level tokenizer of 256 single bytes, so that whole experiments run in milliseconds and without any download.
/// Other sizes than the default are for formats with larger blocks; `hidden` is a multiple of 8.
/// Throws std::runtime_error when the folder cannot be written.
void write_tiny_model(const std::filesystem::path& folder, std::int64_t hidden = 64, std::int64_t intermediate = 96);

}  // namespace quantscope::testing
