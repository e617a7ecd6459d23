// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/file_damage.h"

#include <fmt/format.h>

#include <array>

namespace quantscope {
namespace {

struct Utf8Form {
  unsigned lead_mask;
  unsigned lead;
  std::size_t followers;
  unsigned first_code_point;  ///< smaller ones in this form are overlong
};
constexpr std::array<Utf8Form, 4> utf8_forms = {
    {{0x80, 0x00, 0, 0}, {0xE0, 0xC0, 1, 0x80}, {0xF0, 0xE0, 2, 0x800}, {0xF8, 0xF0, 3, 0x10000}}};

const Utf8Form* form_of(unsigned lead) {
  for (const Utf8Form& form : utf8_forms)
    if ((lead & form.lead_mask) == form.lead) return &form;
  return nullptr;
}

/// Bytes of the code point that `text` starts with, 0 if it is malformed.
std::size_t code_point_bytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const Utf8Form* form = form_of(lead);
  if (form == nullptr || text.size() <= form->followers) return 0;
  unsigned code_point = lead & ~form->lead_mask & 0xFFU;
  for (std::size_t i = 1; i <= form->followers; ++i) {
    const auto follower = static_cast<unsigned char>(text[i]);
    if ((follower & 0xC0U) != 0x80U) return 0;
    code_point = (code_point << 6) | (follower & 0x3FU);
  }
  const bool surrogate = code_point >= 0xD800 && code_point < 0xE000;
  return code_point < form->first_code_point || code_point > 0x10FFFF || surrogate ? 0 : form->followers + 1;
}

}  // namespace

tl::unexpected<Error> file_damage(const std::filesystem::path& file, std::uint64_t offset, std::string_view what,
                                  std::string_view tensor) {
  const std::string in_tensor = tensor.empty() ? std::string() : fmt::format(", tensor {}", tensor);
  return fail(ErrorCode::corrupt_file,
              fmt::format("{} is damaged at byte {}{}: {}; copy or download it again.", file.filename().string(),
                          offset, in_tensor, what),
              fmt::format("{}{}, byte {}", file.string(), in_tensor, offset));
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = code_point_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace quantscope
