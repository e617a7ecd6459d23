// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/cli/shell.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace quantscope::testing {

Outcome run_shell(const std::string& command) {
  Outcome outcome;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> block{};
  while (const std::size_t read = std::fread(block.data(), 1, block.size(), pipe))
    outcome.output.append(block.data(), read);
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

}  // namespace quantscope::testing
