// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace quantscope {

/// Whether no further text can change first_answer_line(): a newline follows a character that is not white space, or
/// the stop string "\nQ:" of the lm-eval task has been written.
bool is_answer_complete(std::string_view generated);

/// What is scored: the text before "\nQ:", without white space at its ends, of that the first line. Source:
/// lm-evaluation-harness, tasks/coqa (stop list in default.yaml, process_results in utils.py).
std::string first_answer_line(std::string_view generated);

}  // namespace quantscope
