// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "core/checkpoint/mapped_checkpoint.h"

namespace quantscope {

/// Parses JSON; a discarded value (which is no object) when it is malformed or beyond JsonLimits.
nlohmann::json parse_json(std::span<const std::byte> text);

/// The value as an integer, if it is a whole number inside 64 bits. Accepts 4096.0, which some converters write.
std::optional<std::int64_t> whole_number(const nlohmann::json& value);

/// A JSON file of a checkpoint that is to hold an object.
struct JsonDocument {
  CheckpointFile file;
  nlohmann::json root;
};
/// Fails with not_found, io, corrupt_file or, beyond JsonLimits, unsupported; a file over 100 MB is refused.
Result<JsonDocument> open_json(const std::filesystem::path& path);

}  // namespace quantscope
