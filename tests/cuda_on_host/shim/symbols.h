// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cuda_on_host {

/// A function or variable of this program, or of the library if that is what the shim was linked into.
struct Symbol {
  const std::byte* address = nullptr;
  std::size_t bytes = 0;
  std::string_view mangled;
};

/// The program's own symbol table, which unlike dladdr() knows names local to a file: those of kernels and of the
/// arrays that kernels declare __shared__. Empty in a stripped program.
class Symbols {
 public:
  static const Symbols& of_program();
  /// Null when no symbol covers the address.
  const Symbol* at(const void* address) const;
  /// Where its constants begin, which end where its writable variables begin, and where these end.
  const std::byte* constants_begin() const { return constants_begin_; }
  const std::byte* variables_begin() const { return variables_begin_; }
  const std::byte* variables_end() const { return variables_end_; }

 private:
  Symbols();
  std::vector<char> names_;
  std::vector<Symbol> sorted_;
  const std::byte* constants_begin_ = nullptr;
  const std::byte* variables_begin_ = nullptr;
  const std::byte* variables_end_ = nullptr;
};

/// As in the source, or the address where there is no name.
std::string readable_name(const void* address);

}  // namespace cuda_on_host
