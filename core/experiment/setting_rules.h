// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/experiment/resolve.h"

namespace quantscope {

/// Block sizes of bitsandbytes' 4-bit formats (functional.py, quantize_4bit).
inline constexpr std::array<std::int64_t, 8> block_sizes = {32, 64, 128, 256, 512, 1024, 2048, 4096};
inline constexpr std::int64_t default_block_size = 64;

/// What `resolve` knows when it checks a setting.
struct RuleContext {
  const Settings& settings;
  const ModelDescription& model;
  std::span<const TensorInfo> stored;
  const DeviceDescription& device;
};

/// The first rule that the settings break, or nothing. Each rule says why in one sentence; no other place refuses a
/// setting.
std::optional<Conflict> first_conflict(const RuleContext& context);

}  // namespace quantscope
