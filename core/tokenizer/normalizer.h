// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope {

/// False only if valid UTF-8 text is in NFC already; judges character by character, without building anything.
bool may_change_under_nfc(std::string_view text);

/// Unicode Normalization Form C of valid UTF-8 (UAX #15), in time linear in the text but for the sorting of runs of
/// combining marks.
std::string to_nfc(std::string_view text);

}  // namespace quantscope
