// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors_writer.h"

#include <fmt/format.h>
#include <unistd.h>

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

  SafetensorsWriter writer;
  writer.path_ = path;
  writer.temporary_ = path;
  writer.temporary_ += fmt::format(".{}.part", ::getpid());
  writer.file_ = std::make_unique<std::ofstream>(writer.temporary_, std::ios::binary | std::ios::trunc);
  writer.missing_ = offset;
  const std::uint64_t length = text.size();
  writer.file_->write(reinterpret_cast<const char*>(&length), sizeof length);
  writer.file_->write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!*writer.file_) return tl::unexpected(writer.io_error().error());
  return writer;
}

SafetensorsWriter::~SafetensorsWriter() {
  std::error_code ignored;
  if (file_ && !temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

Result<void> SafetensorsWriter::append(std::span<const std::byte> bytes) {
  if (bytes.size() > missing_)
    return fail(ErrorCode::internal, fmt::format("More bytes were written to {} than declared.", path_.string()));
  missing_ -= bytes.size();
  file_->write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!*file_) return io_error();
  return {};
}

Result<void> SafetensorsWriter::finish() {
  if (missing_ != 0)
    return fail(ErrorCode::internal, fmt::format("{} bytes of {} were not written.", missing_, path_.string()));
  file_->close();
  if (!*file_) return io_error();
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) return io_error();
  temporary_.clear();
  return {};
}

Result<void> SafetensorsWriter::io_error() const {
  return fail(ErrorCode::io,
              fmt::format("Cannot write {}: is the folder there, writable, and is the disk not full?", path_.string()),
              path_.string());
}

}  // namespace quantscope
