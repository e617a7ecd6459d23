// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/answer_text.h"

#include "core/evaluate/unicode_text.h"

namespace quantscope {
namespace {

/// What ends an answer wherever it stands; empty = nothing.
std::string_view stop_string(AnswerEnd end) {
  switch (end) {
    case AnswerEnd::next_question: return "\nQ:";
    case AnswerEnd::newline: return "\n";
    case AnswerEnd::first_line: break;
  }
  return {};
}

}  // namespace

bool is_answer_complete(std::string_view generated, AnswerEnd end) {
  const std::string_view stop = stop_string(end);
  if (!stop.empty() && generated.find(stop) != std::string_view::npos) return true;
  bool has_ink = false;
  for (const char32_t c : to_code_points(generated)) {
    if (c == U'\n' && has_ink) return true;
    has_ink = has_ink || !is_python_white_space(c);
  }
  return false;
}

std::string first_answer_line(std::string_view generated, AnswerEnd end) {
  if (const std::string_view stop = stop_string(end); !stop.empty())
    generated = generated.substr(0, generated.find(stop));
  const std::string answer = strip(generated);
  return strip(std::string_view(answer).substr(0, answer.find('\n')));
}

}  // namespace quantscope
