// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/json_document.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/input/bounded_json.h"

namespace quantscope {
namespace {

constexpr std::uint64_t max_document_bytes = 100'000'000;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

nlohmann::json parse_json(std::span<const std::byte> text) {
  auto value = parse_bounded_json(as_text(text), {});
  return value ? std::move(*value) : nlohmann::json(nlohmann::json::value_t::discarded);
}

std::optional<std::int64_t> whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return std::in_range<std::int64_t>(number) ? std::optional(static_cast<std::int64_t>(number)) : std::nullopt;
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  // 2^53: from there on a double may already stand for another integer than the one written.
  if (std::trunc(number) != number || std::abs(number) > 0x1p53) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Result<JsonDocument> open_json(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  if (file->size() > max_document_bytes)
    return fail(ErrorCode::corrupt_file,
                fmt::format("{} has {} bytes, too many for a description of a model; choose another file.",
                            path.filename().string(), file->size()),
                path.string());
  auto root = parse_bounded_json(as_text(file->bytes()), path.filename().string());
  if (!root && root.error().code == ErrorCode::unsupported) return tl::unexpected(std::move(root.error()));
  if (!root || !root->is_object())
    return fail(ErrorCode::corrupt_file,
                fmt::format("{} is not a JSON object; download it again.", path.filename().string()), path.string());
  const std::uint64_t size = file->size();
  return JsonDocument{{std::move(*file), size}, std::move(*root)};
}

}  // namespace quantscope
