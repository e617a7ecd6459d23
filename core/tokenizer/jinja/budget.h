// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

#include "core/tokenizer/jinja/failure.h"

namespace quantscope::jinja {

/// What a template may use while it runs, so that a hostile one ends soon with a sentence. Real templates need less
/// than a hundredth.
class Budget {
 public:
  static constexpr std::size_t kSteps = 4'000'000;
  static constexpr std::size_t kBytes = std::size_t{64} << 20U;  ///< made in all: text, lists and output

  /// Evaluated expressions, loop rounds, compared or written elements.
  void spend_steps(std::size_t count = 1) { spend(steps_, count, "takes too many steps"); }
  void spend_bytes(std::size_t count) { spend(bytes_, count, "makes too much text"); }

 private:
  static void spend(std::size_t& left, std::size_t count, const char* complaint) {
    if (count > left) throw Failure{std::string("it ") + complaint};
    left -= count;
  }

  std::size_t steps_ = kSteps, bytes_ = kBytes;
};

}  // namespace quantscope::jinja
