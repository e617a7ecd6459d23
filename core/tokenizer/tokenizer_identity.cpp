// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer_identity.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <bit>

namespace quantscope {
namespace {

/// A change of this text changes every identity: stored ones would count as those of other tokenizers.
constexpr std::string_view probe =
    "Once upon a time there was an extraordinarily long-winded crocodile; it didn't, couldn't and wouldn't've "
    "stopped.\n"
    "Q: Who won 1998's $3,141,592.65 prize (2^31 - 1 = 2147483647)?\n\nA: \"Nobody\" \xe2\x80\x94 see "
    "https://example.org/?a=b&c=%20#top.\n"
    "def   f(x_1):\n\t    return {\"key\": [x_1 ** 2, None]}  # ~!@ <tag/>\r\n"
    "na\xc3\xafve caf\xc3\xa9, Stra\xc3\x9f"
    "e, \xc5\xbb\xc3\xb3\xc5\x82w, \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80, "
    "\xce\x9a\xce\xb1\xce\xbb\xce\xb7\xce\xbc\xce\xad\xcf\x81\xce\xb1, "
    "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xb8\x96\xe7\x95\x8c, "
    "\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xe3\x81\xa1\xe3\x81\xaf, \xec\x95\x88\xeb\x85\x95, "
    "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85, \xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87, "
    "\xf0\x9f\x90\x88\xf0\x9f\x9a\x80\xc2\xa0 e\xcc\x81 \xef\xac\x81 \xe2\x85\xa7\n  \n";

/// Little-endian, so that every machine finds the same hash.
void add(std::string& bytes, std::int32_t id) {
  const auto value = std::bit_cast<std::uint32_t>(id);
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((value >> shift) & 0xffU);
}

}  // namespace

std::string tokenizer_identity(const Tokenizer& tokenizer) {
  std::string bytes;
  for (const std::int32_t id : tokenizer.encode(probe)) add(bytes, id);
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace quantscope
