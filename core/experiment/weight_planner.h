// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/experiment/resolve.h"

namespace quantscope {

/// Chooses a format and a ledger row for every weight. Precondition: the settings break no rule and are filled.
ModelPlan plan_weights(const Settings& settings, const ModelDescription& model, std::span<const TensorInfo> stored);

/// The format that filled settings ask for, for a linear in scope.
WeightFormat requested_format(const Settings& settings);

/// True when the format stores codes with scales.
bool is_quantized(const WeightFormat& format);

/// "NF4 block 64, double quantization", "INT8 by row", "BF16".
std::string format_label(const WeightFormat& format);

}  // namespace quantscope
