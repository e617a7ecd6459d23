// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope {

/// False only if the text cannot change under NFC, judged from its bytes alone (all characters below U+0300).
bool may_change_under_nfc(std::string_view text);

/// Unicode Normalization Form C of valid UTF-8 (UAX #15), in time linear in the text but for the sorting of runs of
/// combining marks.
std::string to_nfc(std::string_view text);

}  // namespace quantscope
