// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/html_text.h"

#include <cstdint>

#include "core/input/utf8.h"

namespace quantscope {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : replace_invalid_utf8(text)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c == '\'')
      escaped += "&#39;";
    else if (control || c == 0x7F)
      escaped += "\xEF\xBF\xBD";
    else
      escaped += c;
  }
  return escaped;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? letters[(group >> (18U - 6U * j)) & 63U] : '=';
  }
  return text;
}

std::string html_heading(std::string_view text) { return "<h2>" + escape_html(text) + "</h2>\n"; }

std::string html_paragraph(std::string_view text) { return "<p>" + escape_html(text) + "</p>\n"; }

std::string html_table(const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<table>\n";
  for (const auto& row : rows) {
    const bool head = &row == &rows.front();
    html += "<tr>";
    for (const std::string& cell : row)
      html += (head ? "<th>" : "<td>") + escape_html(cell) + (head ? "</th>" : "</td>");
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

std::string html_list(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return {};
  std::string html = "<ul>\n";
  for (const std::string& sentence : sentences) html += "<li>" + escape_html(sentence) + "</li>\n";
  return html + "</ul>\n";
}

}  // namespace quantscope
