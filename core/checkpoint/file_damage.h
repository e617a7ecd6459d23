// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "kernels/error.h"

namespace quantscope {

/// The corrupt_file error of a reader: "model.gguf is damaged at byte 24: <what>; copy or download it again."
/// `where` is "<path>[, <tensor>], byte <offset>".
tl::unexpected<Error> file_damage(const std::filesystem::path& file, std::uint64_t offset, std::string_view what,
                                  std::string_view tensor = {});

}  // namespace quantscope
