// SPDX-License-Identifier: GPL-3.0-or-later
#include "fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace cuda_on_host {
namespace {
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

/// Both ends of a switch.
struct Change {
  Fiber* from;
  Fiber* to;
};
}  // namespace

void Fiber::prepare(std::byte* stack, std::size_t bytes, Entry entry) {
  stack_ = stack;
  bytes_ = bytes;
  entry_ = entry;
#if defined(__SANITIZE_THREAD__)
  if (sanitizer_fiber_ == nullptr) sanitizer_fiber_ = __tsan_create_fiber(0);
#endif
  context_ = make_fcontext(stack + bytes, bytes, enter);
}

void Fiber::change(Fiber& from, Fiber& to) {
  Change change{&from, &to};
  void* false_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&false_stack, to.stack_, to.bytes_);
#elif defined(__SANITIZE_THREAD__)
  if (from.entry_ == nullptr) from.sanitizer_fiber_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.sanitizer_fiber_, 0);
#endif
  const transfer_t back = jump_fcontext(to.context_, &change);
  Fiber& left = *static_cast<Change*>(back.data)->from;
  left.context_ = back.fctx;
  from.arrived_from(left, false_stack);
}

void Fiber::enter(transfer_t transfer) {
  const Change change = *static_cast<Change*>(transfer.data);
  change.from->context_ = transfer.fctx;
  change.to->arrived_from(*change.from, nullptr);
  change.to->entry_();
}

void Fiber::arrived_from([[maybe_unused]] Fiber& left, [[maybe_unused]] void* false_stack) {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(false_stack, &bottom, &bytes);
  if (left.entry_ == nullptr) {  // a thread's own stack, whose place only the sanitizer knows
    left.stack_ = static_cast<std::byte*>(const_cast<void*>(bottom));
    left.bytes_ = bytes;
  }
#endif
}

}  // namespace cuda_on_host
