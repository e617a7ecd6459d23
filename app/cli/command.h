// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stop_token>
#include <string>

#include "kernels/error.h"

namespace quantscope::cli {

/// What every sub-command shares.
struct Session {
  bool json = false;
  bool verbose = false;
  std::stop_token stop;  ///< requested by Ctrl+C
};

/// Exit codes that scripts can trust.
enum ExitCode { done = 0, failed = 1, wrong_usage = 2, comparison_failed = 3, stopped = 130 };

/// A sub-command's work; its return value is the program's exit code.
using Action = std::function<int()>;

/// Each adds its sub-command to the program; `chosen` becomes its action when the user calls it.
void add_inspect(CLI::App& app, Session& session, Action& chosen);
void add_forecast(CLI::App& app, Session& session, Action& chosen);
void add_tokenize(CLI::App& app, Session& session, Action& chosen);
void add_generate(CLI::App& app, Session& session, Action& chosen);
void add_logits(CLI::App& app, Session& session, Action& chosen);
void add_quantize(CLI::App& app, Session& session, Action& chosen);
void add_tensor(CLI::App& app, Session& session, Action& chosen);
void add_quantize(CLI::App& app, Session& session, Action& chosen);
void add_verify(CLI::App& app, Session& session, Action& chosen);
void add_evaluate(CLI::App& app, Session& session, Action& chosen);
void add_compare(CLI::App& app, Session& session, Action& chosen);
void add_sensitivity(CLI::App& app, Session& session, Action& chosen);
void add_run(CLI::App& app, Session& session, Action& chosen);
void add_resume(CLI::App& app, Session& session, Action& chosen);
void add_report(CLI::App& app, Session& session, Action& chosen);
void add_import(CLI::App& app, Session& session, Action& chosen);
void add_export(CLI::App& app, Session& session, Action& chosen);
void add_devices(CLI::App& app, Session& session, Action& chosen);

/// Prints the reason in one line on standard error (details with -v) and returns the exit code it deserves.
int report_error(const Session& session, const Error& error);

}  // namespace quantscope::cli
