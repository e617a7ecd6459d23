// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quantscope {

/// Text as HTML shows it: & < > " ' as entities, control characters and ill-formed UTF-8 as U+FFFD. Everything that
/// comes from a file goes through here.
std::string escape_html(std::string_view text);

/// Base64 with padding (RFC 4648, section 4).
std::string base64(std::string_view bytes);

/// A heading of a section, and a paragraph; the text is escaped.
std::string html_heading(std::string_view text);
std::string html_paragraph(std::string_view text);

/// A table whose cells are escaped; the first row is its head, and cells after the first column are right-aligned.
std::string html_table(const std::vector<std::vector<std::string>>& rows);
/// A list of escaped sentences; empty for none.
std::string html_list(const std::vector<std::string>& sentences);

}  // namespace quantscope
