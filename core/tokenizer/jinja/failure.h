// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

namespace quantscope::jinja {

/// Thrown where a template cannot be read or run; Template turns it into an Error, so that it never leaves this folder.
struct Failure {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  std::string message;              ///< the construct, or what is wrong
  std::size_t position = kNowhere;  ///< byte in the template; set by whoever knows it first
  bool is_unsupported = true;       ///< a construct this program does not know; else the template is wrong
};

/// A failure of the template itself.
inline Failure wrong(std::string message) { return {std::move(message), Failure::kNowhere, false}; }

}  // namespace quantscope::jinja
