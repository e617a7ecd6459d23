// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace quantscope {

/// What kind of failure it is; a front end chooses exit codes and icons by it, never by the text.
enum class ErrorCode {
  invalid_argument,  ///< the caller or the user asked for something that cannot be
  not_found,         ///< a file, tensor or field is missing
  io,                ///< the operating system refused (permission, disk full, ...)
  corrupt_file,      ///< bytes that do not follow their format
  unsupported,       ///< valid, but not something this program can do
  out_of_memory,
  cancelled,
  device,    ///< the compute device failed
  internal,  ///< a bug of ours
};

/// The stable lower-case name of a code ("corrupt_file"), for JSON output.
std::string_view error_code_name(ErrorCode code);

/// An expected failure. `message` is one sentence that names the file, tensor or field and says what to do.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string detail;  ///< for "Copy details" and `-v`; may be empty
  std::string where;   ///< file[, tensor][, byte offset] or setting; may be empty
};

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorCode::io, "...")` from any function that returns a Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string where = {},
                                  std::string detail = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(detail), std::move(where)});
}

/// The error that cancelled work returns.
inline tl::unexpected<Error> cancelled() { return fail(ErrorCode::cancelled, "Stopped by the user."); }

}  // namespace quantscope
