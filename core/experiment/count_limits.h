// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// What counts that are read from files, of reports and of workspaces, may be at most.
namespace quantscope {

/// No model has a petabyte, and sums of ten thousand such numbers do not overflow.
inline constexpr std::int64_t largest_whole = std::int64_t{1} << 49;
/// Of an element of a list: sums of four million do not overflow.
inline constexpr std::int64_t largest_whole_of_element = std::int64_t{1} << 40;

}  // namespace quantscope
