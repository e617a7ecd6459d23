// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace quantscope::testing {

struct Outcome {
  int exit_code = -1;
  std::string output;  ///< standard output, or standard error where asked for
};

/// Runs a command line of the shell to its end.
Outcome run_shell(const std::string& command);

}  // namespace quantscope::testing
