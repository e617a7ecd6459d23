// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace quantscope::testing {

/// Whether AddressSanitizer or ThreadSanitizer watches. A model runs ten and more times slower then, so tests that ask
/// it hundreds of questions ask a part of them: what a sanitizer sees does not grow with their number.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace quantscope::testing
