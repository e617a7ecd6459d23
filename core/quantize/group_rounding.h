// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>

#include "kernels/backend.h"
#include "kernels/quantized_tensor.h"

namespace quantscope {

/// Rounds a matrix to the nearest codes of an affine format, group by group along K: what GPTQ and AWQ improve on. The
/// grid is GPTQ's symmetric one (absmax) without zero points and AWQ's (smallest to largest) with integer ones. The
/// scale is rounded to its stored type before codes are chosen. Streams row tiles. Fails with the reader's error, with
/// unsupported for other formats, and with invalid_argument where a scale is not finite (infinite weights, or too large
/// for fp16), naming `name`.
Result<QuantizedTensor> round_to_groups(const RowReader& source, std::int64_t rows, std::int64_t columns,
                                        const WeightFormat& format, MemoryLedger& ledger, std::string_view name,
                                        std::stop_token stop);

}  // namespace quantscope
