// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/config_fields.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {

/// Reads rope_theta and rope_scaling (transformers 4) or rope_parameters (transformers 5) of a config.json into
/// model.rope; model.context must be known. Fails with unsupported for other types than those of RopeScaling.
Result<void> read_config_rope(ConfigFields& fields, const Family& family, ModelDescription& model);

/// Yarn's factor where the file states none: 0.1 ln(factor) + 1. Source: transformers, _compute_yarn_parameters.
double default_yarn_attention_factor(double factor);

}  // namespace quantscope
