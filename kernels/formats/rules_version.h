// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace quantscope {

/// Version of the rules by which values become codes and codes become values. Raise it with every change after which a
/// weight can get another code or another decoded value: stored results of different versions are never pooled.
inline constexpr int format_rules_version = 1;

}  // namespace quantscope
