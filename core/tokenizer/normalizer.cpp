// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "core/input/utf8.h"
#include "core/tokenizer/characters.h"

namespace quantscope {
namespace {

void append_lowercase(std::string_view character, std::string& lower) {
  if (character.size() == 1) {
    const char letter = character[0];
    lower.push_back(letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter);
    return;
  }
  if (character == "\u0130") {  // the only character whose lower case is two
    lower += "i\u0307";
    return;
  }
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length =
      utf8proc_encode_char(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point(character))), bytes.data());
  lower.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

std::string perform(const NormalForm& form, std::string_view text, const std::stop_token& stop) {
  return to_normal_form(text, form, stop);
}

std::string perform(const LowercaseText&, std::string_view text, const std::stop_token& stop) {
  std::string lower;
  lower.reserve(text.size());
  while (!text.empty() && !stop.stop_requested()) {
    const std::size_t length = first_utf8_part(text).length;
    append_lowercase(text.substr(0, length), lower);
    text.remove_prefix(length);
  }
  return lower;
}

std::string perform(const StripSpace& strip, std::string_view text, const std::stop_token&) {
  if (strip.left) text.remove_prefix(leading_space_length(text));
  if (strip.right) text = text.substr(0, trailing_space_begin(text));
  return std::string(text);
}

std::string perform(const PrependText& prepend, std::string_view text, const std::stop_token&) {
  return text.empty() ? std::string() : prepend.text + std::string(text);
}

std::string perform(const ReplaceText& replace, std::string_view text, const std::stop_token& stop) {
  return replace.pattern.replace(text, replace.content, stop);
}

}  // namespace

void Normalizer::add(Step step) { steps_.push_back(std::move(step)); }

bool Normalizer::may_change(std::string_view text) const {
  return !std::ranges::all_of(steps_, [text](const Step& step) {
    const auto* form = std::get_if<NormalForm>(&step);
    return form != nullptr && *form == NormalForm::nfc && !may_change_under_nfc(text);
  });
}

std::string Normalizer::normalize(std::string_view text, const std::stop_token& stop) const {
  std::string normal(text);
  for (const Step& step : steps_) {
    normal = std::visit([&](const auto& kind) { return perform(kind, normal, stop); }, step);
  }
  return normal;
}

bool Normalizer::strips_left() const {
  return std::ranges::any_of(steps_, [](const Step& step) {
    const auto* strip = std::get_if<StripSpace>(&step);
    return strip != nullptr && strip->left;
  });
}

}  // namespace quantscope
