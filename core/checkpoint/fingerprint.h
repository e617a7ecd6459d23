// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>

#include "core/checkpoint/mapped_checkpoint.h"

namespace quantscope {

/// XXH3-128 over the size, the header and 64 evenly spaced samples of 4 KiB of each file, as 32 hex digits. Names and
/// places of the files do not count. Fails when a file was cut while mapped.
Result<std::string> fingerprint_files(std::span<const CheckpointFile> files);

}  // namespace quantscope
