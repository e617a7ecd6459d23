// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/file_damage.h"

#include <fmt/format.h>

namespace quantscope {
tl::unexpected<Error> file_damage(const std::filesystem::path& file, std::uint64_t offset, std::string_view what,
                                  std::string_view tensor) {
  const std::string in_tensor = tensor.empty() ? std::string() : fmt::format(", tensor {}", tensor);
  return fail(ErrorCode::corrupt_file,
              fmt::format("{} is damaged at byte {}{}: {}; copy or download it again.", file.filename().string(),
                          offset, in_tensor, what),
              fmt::format("{}{}, byte {}", file.string(), in_tensor, offset));
}

}  // namespace quantscope
