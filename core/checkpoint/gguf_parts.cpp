// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_parts.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "core/checkpoint/file_damage.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

struct Part {
  std::int64_t number = 0;  ///< from 0
  std::int64_t count = 1;
  std::int64_t tensors = 0;  ///< of all parts; 0 where not said
};

Result<Part> read_part(GgufMetadata& metadata) {
  const std::string_view key = "split.no";
  Part part;
  part.count = metadata.optional_integer("split.count").value_or(1);
  part.number = metadata.optional_integer(key).value_or(0);
  part.tensors = metadata.optional_integer("split.tensors.count").value_or(0);
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  if (part.count <= 1) return Part{};
  if (part.number >= 0 && part.number < part.count) return part;
  return file_damage(metadata.file(), metadata.find(key)->offset,
                     fmt::format("it calls itself part {} of {}, counted from 0", part.number, part.count));
}

std::string part_suffix(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

/// Where part `number` lies, told from the name of `part`; nothing if that name has another form.
std::optional<fs::path> path_of_part(const fs::path& path, const Part& part, std::int64_t number) {
  const std::string name = path.filename().string(), suffix = part_suffix(part.number, part.count);
  if (!name.ends_with(suffix)) return std::nullopt;
  return path.parent_path() / (name.substr(0, name.size() - suffix.size()) + part_suffix(number, part.count));
}

Result<void> check_first(const fs::path& path, const Part& part) {
  const std::string name = path.filename().string();
  const auto first = path_of_part(path, part, 0);
  if (!first)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} is part {} of {}, but its name does not end in '{}', so the others cannot be found; give "
                    "it the name under which it was published.",
                    name, part.number + 1, part.count, part_suffix(part.number, part.count)),
        path.string());
  if (part.number != 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is part {} of {}; open the first, {}.", name, part.number + 1, part.count,
                            first->filename().string()),
                path.string());
  return {};
}

struct OpenPart {
  GgufHeader header;
  CheckpointFile file;
};

Result<OpenPart> open_part(const fs::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  auto header = read_gguf_header(file->bytes(), path);
  if (!header) return tl::unexpected(std::move(header.error()));
  const std::uint64_t header_bytes = header->data_offset;
  return OpenPart{std::move(*header), {std::move(*file), header_bytes}};
}

void append(GgufParts& parts, OpenPart next) {
  for (TensorInfo& tensor : next.header.tensors) {
    tensor.file = parts.files.size();
    parts.header.tensors.push_back(std::move(tensor));
  }
  parts.files.push_back(std::move(next.file));
}

/// Opens part `number` of the model whose first part is `first`.
Result<OpenPart> open_further_part(const fs::path& first, const Part& whole, std::int64_t number) {
  const fs::path path = path_of_part(first, whole, number).value_or(first);
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return fail(ErrorCode::not_found,
                fmt::format("{} is the first of {} parts, and {} is not beside it; download it too.",
                            first.filename().string(), whole.count, path.filename().string()),
                path.string());
  auto next = open_part(path);
  if (!next) return next;
  const auto part = read_part(next->header.metadata);
  if (!part) return tl::unexpected(part.error());
  if (part->number != number || part->count != whole.count)
    return file_damage(path, 0,
                       fmt::format("by its name it is part {} of {}, by its metadata part {} of {}", number + 1,
                                   whole.count, part->number + 1, part->count));
  return next;
}

}  // namespace

Result<GgufParts> open_gguf_parts(const fs::path& path) {
  auto first = open_part(path);
  if (!first) return tl::unexpected(std::move(first.error()));
  const auto whole = read_part(first->header.metadata);
  if (!whole) return tl::unexpected(whole.error());
  GgufParts parts{std::move(first->header), {}};
  parts.files.push_back(std::move(first->file));
  if (whole->count == 1) return parts;
  if (auto named = check_first(path, *whole); !named) return tl::unexpected(std::move(named.error()));
  for (std::int64_t number = 1; number < whole->count; ++number) {
    auto next = open_further_part(path, *whole, number);
    if (!next) return tl::unexpected(std::move(next.error()));
    append(parts, std::move(*next));
  }
  const auto tensors = static_cast<std::int64_t>(parts.header.tensors.size());
  if (whole->tensors != 0 && whole->tensors != tensors)
    return file_damage(
        path, parts.header.metadata.find("split.tensors.count")->offset,
        fmt::format("it announces {} tensors, and its {} parts hold {}", whole->tensors, whole->count, tensors));
  return parts;
}

}  // namespace quantscope
