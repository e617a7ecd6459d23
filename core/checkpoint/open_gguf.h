// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"

namespace quantscope {

/// Opens a GGUF file, whatever its name.
Result<std::shared_ptr<const Checkpoint>> open_gguf(const std::filesystem::path& path);

}  // namespace quantscope
