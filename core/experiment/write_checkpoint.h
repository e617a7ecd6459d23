// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <span>
#include <stop_token>
#include <string_view>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/folder_writer.h"
#include "core/experiment/resolve.h"
#include "kernels/backend.h"

namespace quantscope {

/// The kinds of Hugging Face folders that are written: "bitsandbytes", "gptq", "awq", "safetensors".
std::span<const std::string_view> folder_formats();

/// Writes the quantized model as a Hugging Face folder, weight by weight.
///   bitsandbytes  the plan's NF4, FP4 or INT8 codes
///   gptq, awq     codes of 4 or 8 bits in groups along K, from settings of type int4 or int8 whose block size is the
///                 group: rounded to nearest on that layout's own grid (core/quantize/group_rounding.h); with method
///                 as-stored the checkpoint's own codes
///   safetensors   what the plan's weights decode to, in the compute type (in their own type where they are dense)
/// config.json and tokenizer of a Hugging Face folder go along; those of a GGUF file are made from its metadata.
Result<WrittenFolder> write_checkpoint(const Checkpoint& checkpoint, const Resolved& resolved, Backend& backend,
                                       std::string_view format, const std::filesystem::path& out,
                                       const ProgressFn& progress, std::stop_token stop);

}  // namespace quantscope
