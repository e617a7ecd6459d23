// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope {

/// XXH3-128 of bytes as 32 hex digits: identifies a text in results.
std::string hash_bytes(std::string_view bytes);

}  // namespace quantscope
