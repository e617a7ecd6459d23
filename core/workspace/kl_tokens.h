// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/error.h"

/// The per-token figures of a window as the bytes of one column. Percentiles and paired errors need every token, and
/// need it exactly: the figures of a resumed run then have the bits of those of an uninterrupted one.
///
/// Layout for n scored positions in the order of the window, little-endian, one array after the other:
///   n x 8 bytes     ln p_base(next token), IEEE 754 binary64
///   n x 8 bytes     ln p(next token)
///   n x 8 bytes     KL(base || quantized), nats
///   ceil(n/8) bytes same most probable token: bit i % 8 of byte i / 8, lowest bit first; bits behind the last are 0
namespace quantscope {

std::vector<std::byte> bytes_of_kl_tokens(std::span<const HeadPair> tokens);

/// Refuses bytes that are not exactly as long as `scored` positions take, and set bits behind the last position.
Result<std::vector<HeadPair>> kl_tokens_of_bytes(std::span<const std::byte> bytes, std::int64_t scored);

}  // namespace quantscope
