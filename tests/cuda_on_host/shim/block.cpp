// SPDX-License-Identifier: GPL-3.0-or-later
#include "block.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <new>
#include <string_view>

#include "device_functions.h"
#include "fiber.h"
#include "machine.h"
#include "ptx_on_host.h"
#include "running.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_on_host {
thread_local constinit Running running;

namespace {
constexpr std::size_t stack_bytes = std::size_t{128} << 10;
constexpr std::size_t guard_bytes = 4096;  // that nobody can touch, at the lower end of each stack

/// Lanes that wait for each other in a warp operation.
struct Gathering {
  unsigned mask = 0;
  unsigned arrived = 0;
  const char* name = nullptr;
  WarpWork work = nullptr;
};

struct Warp {
  std::array<void*, lanes_per_warp> operands{};
  std::vector<Gathering> gatherings;
  unsigned exist = 0;  ///< lanes
  unsigned ended = 0;  ///< lanes
};

/// A fiber and the thread that it runs.
struct Worker {
  Fiber fiber;
  std::byte* stack = nullptr;
  unsigned thread = 0;
  uint3 index{};
  const char* waits_in = nullptr;  ///< name of the operation
  unsigned waits_for = 0;          ///< lanes, in a warp operation
};

/// Runs blocks. Only one at a time: __shared__ variables exist once.
class Scheduler {
 public:
  bool run(const Launch& launch);
  void work_off();
  BarrierResult block_barrier(const char* name, int predicate);
  void warp_operation(const char* name, unsigned mask, void* operand, WarpWork work);
  [[noreturn]] void stop();
  Warp& this_warp() { return warps_[running.thread / lanes_per_warp]; }
  const Launch* launch() const { return launch_; }

 private:
  bool run_block();
  void begin_block();
  void grow();
  void resume(Worker& worker);
  /// Goes on with whoever can: a waiting thread that has what it waited for, one that has not begun, or the end.
  void leave();
  void wait(const char* name, unsigned lanes);
  void make_ready(unsigned thread);
  Gathering& join(Warp& warp, const char* name, unsigned mask, WarpWork work);
  bool explain_standstill();

  const Launch* launch_ = nullptr;
  Fiber main_;
  std::deque<Worker> workers_;  // all
  std::vector<Worker*> idle_;
  std::deque<Worker*> ready_;
  std::vector<Worker*> of_thread_;  // where each thread of the block waits
  std::array<Warp, most_threads_per_block / lanes_per_warp> warps_;
  Worker* current_ = nullptr;
  unsigned threads_ = 0;
  unsigned begun_ = 0;
  unsigned ended_ = 0;
  bool stopped_ = false;

  unsigned at_barrier_ = 0;
  const char* barrier_name_ = nullptr;
  BarrierResult arriving_;
  BarrierResult barrier_result_;
};

Scheduler& scheduler() {
  static Scheduler the_scheduler;
  return the_scheduler;
}

uint3 index_of(unsigned number, const dim3& size) {
  return {number % size.x, number / size.x % size.y, number / size.x / size.y};
}

void run_threads() { scheduler().work_off(); }

void Scheduler::grow() {
  static std::byte* const stacks = [] {
    void* const memory = mmap(nullptr, most_threads_per_block * stack_bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }();
  std::byte* const stack = stacks + workers_.size() * stack_bytes;
  Worker* const worker = &workers_.emplace_back();
  worker->stack = stack;
  mprotect(worker->stack, guard_bytes, PROT_NONE);
  worker->fiber.prepare(worker->stack + guard_bytes, stack_bytes - guard_bytes, run_threads);
  idle_.push_back(worker);
}

void Scheduler::resume(Worker& worker) {
  current_ = &worker;
  threadIdx = worker.index;
  running = {true, worker.thread, worker.stack, stack_bytes};
}

void Scheduler::leave() {
  Fiber& from = current_->fiber;
  running.active = false;
  if (!ready_.empty()) {
    Worker* const next = ready_.front();
    ready_.pop_front();
    current_ = next;
    Fiber::change(from, next->fiber);
  } else if (begun_ < threads_) {
    if (idle_.empty()) grow();
    Worker* const next = idle_.back();
    idle_.pop_back();
    current_ = next;
    Fiber::change(from, next->fiber);
  } else {
    current_ = nullptr;
    Fiber::change(from, main_);
  }
}

/// The life of a worker.
void Scheduler::work_off() {
  for (;;) {
    Worker& worker = *current_;
    while (begun_ < threads_) {
      worker.thread = begun_++;
      worker.index = index_of(worker.thread, launch_->block);
      of_thread_[worker.thread] = &worker;
      alignas(64) std::array<std::byte, 8192> call;  // on the thread's own stack, as kernel parameters are
      std::memcpy(call.data(), launch_->call.data(), launch_->call.size());
      resume(worker);
      launch_->invoke(call.data());
      running.active = false;
      of_thread_[worker.thread] = nullptr;
      this_warp().ended |= 1U << worker.thread % lanes_per_warp;
      ++ended_;
    }
    idle_.push_back(&worker);
    leave();
  }
}

void Scheduler::wait(const char* name, unsigned lanes) {
  Worker& worker = *current_;
  worker.waits_in = name;
  worker.waits_for = lanes;
  leave();
  worker.waits_in = nullptr;
  resume(worker);
}

void Scheduler::make_ready(unsigned thread) { ready_.push_back(of_thread_[thread]); }

BarrierResult Scheduler::block_barrier(const char* name, int predicate) {
  if (at_barrier_ == 0) {
    barrier_name_ = name;
    arriving_ = {0, true};
  }
  if (std::string_view(barrier_name_) != name) {
    report("this thread waits in {} while others wait in {}", name, barrier_name_);
    stop();
  }
  arriving_.count += predicate;
  arriving_.all = arriving_.all && predicate != 0;
  if (++at_barrier_ < threads_) {
    wait(name, 0);
    return barrier_result_;
  }
  at_barrier_ = 0;
  barrier_result_ = arriving_;
  shared_memory().pass_barrier();
  for (unsigned thread = 0; thread < threads_; ++thread) {
    if (thread != running.thread) make_ready(thread);
  }
  return barrier_result_;
}

Gathering& Scheduler::join(Warp& warp, const char* name, unsigned mask, WarpWork work) {
  for (Gathering& gathering : warp.gatherings) {
    if (gathering.mask != mask) continue;
    if (gathering.work == work && std::string_view(gathering.name) == name) return gathering;
    report("this thread waits in {} while another lane of its mask {:#x} waits in {}", name, mask, gathering.name);
    stop();
  }
  warp.gatherings.push_back({mask, 0, name, work});
  return warp.gatherings.back();
}

void Scheduler::warp_operation(const char* name, unsigned mask, void* operand, WarpWork work) {
  Warp& warp = this_warp();
  const unsigned thread = running.thread;
  const unsigned lane = thread % lanes_per_warp;
  if ((mask >> lane & 1) == 0) {
    report("the mask {:#x} of {} does not name the lane that calls it", mask, name);
    stop();
  }
  Gathering& gathering = join(warp, name, mask, work);
  warp.operands[lane] = operand;
  gathering.arrived |= 1U << lane;
  if (gathering.arrived != mask) return wait(name, mask);
  std::swap(gathering, warp.gatherings.back());
  warp.gatherings.pop_back();
  work(warp.operands.data(), mask);
  const unsigned first = thread - lane;
  for (unsigned others = mask & ~(1U << lane); others != 0; others &= others - 1) {
    make_ready(first + static_cast<unsigned>(std::countr_zero(others)));
  }
}

void Scheduler::begin_block() {
  begun_ = ended_ = at_barrier_ = 0;
  const unsigned warps = (threads_ + lanes_per_warp - 1) / lanes_per_warp;
  for (unsigned i = 0; i < warps; ++i) {
    const unsigned lanes = std::min(lanes_per_warp, threads_ - i * lanes_per_warp);
    warps_[i].gatherings.clear();
    warps_[i].exist = lanes == lanes_per_warp ? ~0U : (1U << lanes) - 1;
    warps_[i].ended = 0;
  }
  shared_memory().begin_block(launch_->dynamic_shared_bytes, warps);
  forget_copies();
}

bool Scheduler::run_block() {
  begin_block();
  if (idle_.empty()) grow();
  current_ = idle_.back();
  idle_.pop_back();
  Fiber::change(main_, current_->fiber);
  running.active = false;
  return !stopped_ && (ended_ == threads_ || explain_standstill());
}

bool Scheduler::explain_standstill() {
  for (unsigned thread = 0; thread < threads_; ++thread) {
    const Worker* const worker = of_thread_[thread];
    if (worker == nullptr) continue;
    running.thread = thread;
    threadIdx = worker->index;
    const bool in_warp = worker->waits_for != 0;
    const unsigned first = in_warp ? thread / lanes_per_warp * lanes_per_warp : 0;
    const unsigned end = in_warp ? std::min(first + lanes_per_warp, threads_) : threads_;
    for (unsigned other = first; other < end; ++other) {
      const Worker* const missing = of_thread_[other];
      const bool named = !in_warp || (worker->waits_for >> other % lanes_per_warp & 1) != 0;
      if (!named || (missing != nullptr && std::string_view(missing->waits_in) == worker->waits_in &&
                     missing->waits_for == worker->waits_for)) {
        continue;
      }
      return report("this thread waits in {} for ever: {} {}", worker->waits_in, thread_name(other),
                    missing == nullptr ? "has ended" : std::string("waits in ") + missing->waits_in);
    }
    if (in_warp) return report("this thread waits in {} for lanes that the block does not have", worker->waits_in);
  }
  return report("threads wait for each other for ever");
}

void Scheduler::stop() {
  stopped_ = true;
  running.active = false;
  Fiber::change(current_->fiber, main_);
  __builtin_unreachable();
}

bool Scheduler::run(const Launch& launch) {
  launch_ = &launch;
  gridDim = launch.grid;
  blockDim = launch.block;
  threads_ = launch.block.x * launch.block.y * launch.block.z;
  of_thread_.assign(threads_, nullptr);
  stopped_ = false;
  bool good = true;
  for (blockIdx.z = 0; good && blockIdx.z < gridDim.z; ++blockIdx.z) {
    for (blockIdx.y = 0; good && blockIdx.y < gridDim.y; ++blockIdx.y) {
      for (blockIdx.x = 0; good && blockIdx.x < gridDim.x; ++blockIdx.x) good = run_block();
    }
  }
  if (!good) {
    // Threads that never got to their end are given up with their stacks as they are.
    ready_.clear();
    idle_.clear();
    for (Worker& worker : workers_) {
      worker.fiber.prepare(worker.stack + guard_bytes, stack_bytes - guard_bytes, run_threads);
      idle_.push_back(&worker);
    }
  }
  launch_ = nullptr;
  return good;
}
}  // namespace

bool run(const Launch& launch) { return scheduler().run(launch); }

BarrierResult block_barrier(const char* name, int predicate) { return scheduler().block_barrier(name, predicate); }

void warp_operation(const char* name, unsigned mask, void* operand, WarpWork work) {
  scheduler().warp_operation(name, mask, operand, work);
}

unsigned this_lane() { return running.thread % lanes_per_warp; }

unsigned living_lanes() { return scheduler().this_warp().exist & ~scheduler().this_warp().ended; }

void stop_launch() { scheduler().stop(); }

const void* running_kernel() { return scheduler().launch() == nullptr ? nullptr : scheduler().launch()->kernel; }

}  // namespace cuda_on_host
