// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>
#include <cstdio>
#include <exception>
#include <thread>

#include "app/cli/command.h"

namespace {

using namespace quantscope::cli;

/// Turns Ctrl+C and termination into a stop request: a thread waits for the signals, so no handler runs in between.
class InterruptWatch {
 public:
  InterruptWatch() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    watcher_ = std::thread([this] {
      int signal = 0;
      sigwait(&signals_, &signal);
      if (signal != SIGUSR1) source_.request_stop();
    });
  }
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  ~InterruptWatch() {
    pthread_kill(watcher_.native_handle(), SIGUSR1);
    watcher_.join();
  }

  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
  std::thread watcher_;
};

int run_program(int argc, char** argv) {
  InterruptWatch interrupt;
  Session session;
  session.stop = interrupt.token();
  Action chosen;
  CLI::App app("Compares quantizations of language models: memory, accuracy, perplexity and speed.", "quantscope-cli");
  app.set_version_flag("--version", "quantscope-cli " QUANTSCOPE_VERSION);
  app.add_flag("--json", session.json, "Print one JSON document on standard output");
  app.add_flag("-v,--verbose", session.verbose, "Print the details of an error");
  app.fallthrough();
  app.require_subcommand(1);
  app.footer(
      "Example: quantscope-cli compare default fp16 nf4 nf4-dq --report report\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a comparison did not hold, 130 stopped.");
  for (const auto add : {add_inspect, add_forecast, add_tokenize, add_generate, add_logits, add_tensor, add_quantize,
                         add_verify, add_evaluate, add_compare, add_sensitivity, add_run, add_resume, add_report,
                         add_import, add_export, add_devices})
    add(app, session, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::done : ExitCode::wrong_usage;
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quantscope-cli: unexpected failure: %s\n", error.what());
    return ExitCode::failed;
  }
}
