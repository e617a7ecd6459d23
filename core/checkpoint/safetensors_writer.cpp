// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors_writer.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace quantscope {

Result<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path& path,
                                                    const std::vector<TensorDeclaration>& tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};  // transformers asks for it
  std::uint64_t offset = 0;
  for (const TensorDeclaration& tensor : tensors) {
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes}}};
    offset += tensor.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the data is aligned for those who map the file

  auto file = StreamedFile::create(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  const std::uint64_t length = text.size();
  for (const auto part : {std::as_bytes(std::span(&length, 1)), std::as_bytes(std::span(text))})
    if (auto done = file->append(part); !done) return tl::unexpected(std::move(done.error()));
  return SafetensorsWriter(std::move(*file), offset);
}

Result<void> SafetensorsWriter::append(std::span<const std::byte> bytes) {
  if (bytes.size() > missing_)
    return fail(ErrorCode::internal,
                fmt::format("More bytes were written to {} than declared.", file_.path().string()));
  missing_ -= bytes.size();
  return file_.append(bytes);
}

Result<void> SafetensorsWriter::finish() {
  if (missing_ != 0)
    return fail(ErrorCode::internal, fmt::format("{} bytes of {} were not written.", missing_, file_.path().string()));
  return file_.finish();
}

}  // namespace quantscope
