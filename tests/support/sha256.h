// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope::testing {

/// SHA-256 (FIPS 180-4) as 64 hex digits, for comparing long results with a published digest.
std::string sha256(std::string_view bytes);

}  // namespace quantscope::testing
