// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

namespace quantscope::testing {

/// Writes a Hugging Face folder with a two-layer Llama of seeded random weights (about 100,000 values, fp32) and a
/// byte-level tokenizer of 256 single bytes, so that whole experiments run in milliseconds and without any download.
/// Throws std::runtime_error when the folder cannot be written.
void write_tiny_model(const std::filesystem::path& folder);

}  // namespace quantscope::testing
