// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>

namespace cuda_on_host {

/// A stack and the place where it was left. Boost.Context's own class unwinds a fiber that is given up by throwing
/// through it, which kernels cut off inside an access hook do not survive; so this uses the jump underneath and just
/// forgets it.
class Fiber {
 public:
  using Entry = void (*)();

  /// The stack of the caller, to come back to.
  Fiber() = default;
  /// The next switch to it calls `entry`, which must not return.
  void prepare(std::byte* stack, std::size_t bytes, Entry entry);
  /// Leaves `from`, the fiber that runs, and goes on where `to` was left.
  static void change(Fiber& from, Fiber& to);

  bool holds(const void* address) const {
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(address) - stack_);
    return offset < bytes_;
  }

 private:
  static void enter(boost::context::detail::transfer_t transfer);
  void arrived_from(Fiber& left, void* false_stack);

  boost::context::detail::fcontext_t context_ = nullptr;
  std::byte* stack_ = nullptr;
  std::size_t bytes_ = 0;
  Entry entry_ = nullptr;
  void* sanitizer_fiber_ = nullptr;  ///< ThreadSanitizer's name for it, when that is on
};

}  // namespace cuda_on_host
