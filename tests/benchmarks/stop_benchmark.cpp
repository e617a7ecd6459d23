// SPDX-License-Identifier: GPL-3.0-or-later
// How long a run takes to return after it was asked to stop, at random moments of each of its phases: the default model
// as NF4 on two threads of the CPU. Less than 200 ms is wanted.
//
//   stop_benchmark [STOPS]      STOPS in each phase (default 10)
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/evaluate/random.h"
#include "core/experiment/runner.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr double wanted = 200;           // ms
constexpr double longest_delay = 4'000;  // ms: later in a phase it only does the same again
const std::string opening = "Opening", bandwidth = "Bandwidth";

/// Follows a run through its phases, which are the stages of its progress, with the times at which each began and
/// ended.
class Phases {
 public:
  Phases() { enter(opening); }

  void take(const Progress& progress) {
    // Speed says last that all repetitions are done; what comes then is the bandwidth.
    enter(progress.stage == "Speed" && progress.done == progress.total ? bandwidth : progress.stage);
  }
  std::string current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  std::optional<Clock::time_point> began(const std::string& phase) const {
    const std::lock_guard lock(mutex_);
    const auto found = starts_.find(phase);
    return found == starts_.end() ? std::nullopt : std::optional(found->second);
  }
  /// Milliseconds; 0 when it never began. Precondition: the last phase has ended.
  double length(const std::string& phase) const {
    const auto start = began(phase);
    return start ? Milliseconds(ends_.at(phase) - *start).count() : 0;
  }
  void end() { enter({}); }

 private:
  void enter(const std::string& phase) {
    const std::lock_guard lock(mutex_);
    if (phase == current_) return;
    const auto now = Clock::now();
    ends_.emplace(current_, now);
    current_ = phase;
    starts_.emplace(phase, now);
  }

  mutable std::mutex mutex_;
  std::string current_;
  std::map<std::string, Clock::time_point> starts_, ends_;  // the first time of each
};

/// Runs a request in a thread of its own and stops it `delay` after `phase` began.
class StoppedRun {
 public:
  explicit StoppedRun(const RunRequest& request) : runner_(ResourcePaths::locate()) {
    thread_ = std::thread([this, request] {
      RunObserver observer;
      observer.progress = [this](const Progress& progress) { phases_.take(progress); };
      const auto result = runner_.run(request, observer, stop_.get_token());
      returned_ = Clock::now();
      phases_.end();
      if (!result) error_ = result.error().message;
      done_ = true;
    });
  }
  ~StoppedRun() { thread_.join(); }
  StoppedRun(const StoppedRun&) = delete;
  StoppedRun& operator=(const StoppedRun&) = delete;

  /// Milliseconds from the request to the return; nothing when the phase was over by then.
  std::optional<double> stop_in(const std::string& phase, Milliseconds delay) {
    while (!done_ && !phases_.began(phase)) std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (phases_.began(phase)) std::this_thread::sleep_until(*phases_.began(phase) + delay);
    const bool in_phase = !done_ && phases_.current() == phase;
    const auto asked = Clock::now();
    stop_.request_stop();
    wait();
    if (!in_phase || returned_ < asked) return std::nullopt;
    return Milliseconds(returned_ - asked).count();
  }

  /// Milliseconds that a phase takes in a run that is left alone.
  double length(const std::string& phase) {
    wait();
    return phases_.length(phase);
  }
  const std::string& error() const { return error_; }

 private:
  void wait() {
    while (!done_) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }

  Runner runner_;
  Phases phases_;
  std::stop_source stop_;
  std::string error_;
  Clock::time_point returned_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

RunRequest request_for(TaskKind kind) {
  RunRequest request;
  request.model = testing::default_model_file().string();
  request.settings = parse_configuration("nf4:device=cpu,threads=2").value();
  Task task;
  task.kind = kind;
  task.data = kind == TaskKind::speed ? "" : "sample";
  if (kind == TaskKind::kl) task.base = parse_configuration("bf16:device=cpu,threads=2").value();
  task.last_chunk = 2;
  task.sample.kind = Sample::Kind::first;
  task.sample.count = 4;
  task.speed = {128, 32, 2};
  request.tasks = {task};
  return request;
}

struct Phase {
  std::string name;
  TaskKind task;  ///< of a run that comes through it
};

const std::vector<Phase>& phases() {
  static const std::vector<Phase> all = {
      {opening, TaskKind::coqa},       {"Quantizing", TaskKind::coqa},       {"Measuring errors", TaskKind::coqa},
      {"Questions", TaskKind::coqa},   {"Perplexity", TaskKind::perplexity}, {"KL base", TaskKind::kl},
      {"KL divergence", TaskKind::kl}, {"Speed", TaskKind::speed},           {bandwidth, TaskKind::speed}};
  return all;
}

/// False when the run itself fails.
bool measure(const Phase& phase, int stops, Pcg32& random) {
  const RunRequest request = request_for(phase.task);
  double length = 0;
  {
    StoppedRun whole(request);
    length = std::min(whole.length(phase.name), longest_delay);
    if (!whole.error().empty()) {
      fmt::print("{}: {}\n", phase.name, whole.error());
      return false;
    }
  }
  std::vector<double> times;
  for (int attempt = 0; std::ssize(times) < stops && attempt < 3 * stops; ++attempt) {
    const double delay = length * random.below(10'000) / 10'000;
    if (const auto time = StoppedRun(request).stop_in(phase.name, Milliseconds(delay))) times.push_back(*time);
  }
  if (times.empty()) {
    fmt::print("{:<18}   it was over before it could be stopped\n", phase.name);
    return true;
  }
  std::ranges::sort(times);
  fmt::print("{:<18} {:>9.0f} {:>6} {:>10.1f} {:>9.1f}{}\n", phase.name, length, times.size(), times[times.size() / 2],
             times.back(), times.back() > wanted ? "   longer than wanted" : "");
  std::fflush(stdout);
  return true;
}

}  // namespace
}  // namespace quantscope

int main(int argc, char** argv) {
  using namespace quantscope;
  if (testing::default_model_file().empty()) {
    fmt::print("The default model is not in the cache folder; see app/run.sh.\n");
    return 1;
  }
  const int stops = argc > 1 ? std::max(1, std::atoi(argv[1])) : 10;
  Pcg32 random(1);
  fmt::print("{:<18} {:>9} {:>6} {:>10} {:>9}\n", "phase", "length ms", "stops", "median ms", "worst ms");
  for (const Phase& phase : phases())
    if (!measure(phase, stops, random)) return 1;
  return 0;
}
