// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quantscope {

/// Where an answer ends besides the first newline after a character that is not white space. The rules differ only for
/// answers that begin with white space: what the model writes after a newline is its answer, or it has given none.
enum class AnswerEnd : std::uint8_t {
  next_question,  ///< at the stop string "\nQ:" of the lm-eval task (tasks/coqa/default.yaml)
  first_line,     ///< nowhere else
  newline,        ///< at any newline, the stop string of the lm-eval task squadv2
};

/// Whether no further text can change first_answer_line().
bool is_answer_complete(std::string_view generated, AnswerEnd end = AnswerEnd::next_question);

/// What is scored: the text up to its end, without white space at its ends, of that the first line. Source:
/// lm-evaluation-harness, tasks/coqa, process_results in utils.py.
std::string first_answer_line(std::string_view generated, AnswerEnd end = AnswerEnd::next_question);

}  // namespace quantscope
