// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>

#include "core/experiment/resolve.h"

namespace quantscope {

/// Chooses a format and a ledger row for every weight. Precondition: the settings break no rule and are filled.
ModelPlan plan_weights(const Settings& settings, const ModelDescription& model, std::span<const TensorInfo> stored);

/// The format in which a checkpoint keeps a tensor; blocks and the like where it has them.
WeightFormat stored_format(const TensorInfo& tensor);

/// What most values of the linear weights are stored in; nothing where no linear is stored.
std::optional<WeightFormat> prevalent_stored_format(const ModelDescription& model, std::span<const TensorInfo> stored);

/// The format that filled settings ask for, for a linear in scope. Precondition: the method is not as_stored.
WeightFormat requested_format(const Settings& settings);

/// True when the format stores codes with scales.
bool is_quantized(const WeightFormat& format);

/// "NF4 block 64, double quantization", "INT8 by row", "BF16".
std::string format_label(const WeightFormat& format);

}  // namespace quantscope
