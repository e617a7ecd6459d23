// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// Memory of a GPU as its maker states it (data sheets; GB there are GiB except where noted in the table).
struct GpuMemory {
  std::string_view name;
  std::int64_t memory_bytes;
};

std::span<const GpuMemory> known_gpus();
/// Case-insensitive; not_found lists the known names.
Result<GpuMemory> find_gpu(std::string_view name);
/// "T4, A10G, ..."
std::string gpu_names();

}  // namespace quantscope
