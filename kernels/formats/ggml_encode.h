// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_type.h"

/// Any ggml type that can be encoded behind one call, for the host.
namespace quantscope {

/// Encodes `count` values into whole blocks. Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 give ggml's bytes; IQ4_NL, Q4_K and Q6_K
/// search for scales of a small squared error (ggml_encode_search.h). Preconditions: ggml_type_info(type).can_encode,
/// count is a multiple of block_values.
void encode_ggml(GgmlType type, const float* values, std::int64_t count, std::byte* blocks);

}  // namespace quantscope
