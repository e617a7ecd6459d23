// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

namespace quantscope {

/// The normalization forms of Unicode (UAX #15).
enum class NormalForm : std::uint8_t { nfc, nfd, nfkc, nfkd };

/// False only if valid UTF-8 text is in NFC already; judges character by character, without building anything.
bool may_change_under_nfc(std::string_view text);

/// Valid UTF-8 in a normal form, in time linear in the text but for the sorting of runs of combining marks. After a
/// stop what it returns is cut short.
std::string to_normal_form(std::string_view text, NormalForm form, const std::stop_token& stop = {});

/// to_normal_form() with NFC.
std::string to_nfc(std::string_view text);

}  // namespace quantscope
