// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "kernels/formats/ggml_type.h"

namespace quantscope::testing {

/// The bytes of `blocks` blocks that tests/data/make_ggml_vectors.py decodes: pseudo-random, with finite scales.
std::vector<std::byte> random_ggml_blocks(GgmlType type, std::size_t blocks);

/// The values that the script encodes: "uniform", "bell", "sparse" or "steps".
std::vector<float> ggml_source_values(std::string_view kind, std::size_t count);

}  // namespace quantscope::testing
