// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_type.h"

/// The types that most files are made of, eight values at a time, for CPUs with AVX2.
namespace quantscope {

using GgmlBlocksDecoder = void (*)(const std::byte* blocks, std::int64_t block_count, float* values);

/// Decodes whole blocks to the bits of decode_ggml_part(): each value takes the same operations in the
/// same order. Null for other types, and where this CPU lacks AVX2.
GgmlBlocksDecoder ggml_decoder_avx2(GgmlType type);

}  // namespace quantscope
