// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_writer.h"

#include <fmt/format.h>

#include <utility>

#include "core/checkpoint/gguf_metadata.h"

namespace quantscope {
namespace {

constexpr std::uint64_t alignment = 32;
constexpr std::uint32_t version = 3;

template <class T>
void put(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& bytes, std::string_view text) {
  put<std::uint64_t>(bytes, text.size());
  bytes += text;
}

constexpr std::uint32_t id_of(GgufType type) { return static_cast<std::uint32_t>(type); }

std::uint64_t padding(std::uint64_t bytes) { return (alignment - bytes % alignment) % alignment; }

std::string header_bytes(const GgufPairs& pairs, const std::vector<GgufTensor>& tensors) {
  std::string bytes = "GGUF";
  put(bytes, version);
  put<std::uint64_t>(bytes, tensors.size());
  put(bytes, pairs.count());
  bytes += pairs.bytes();
  std::uint64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    put_text(bytes, tensor.name);
    put(bytes, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension) put(bytes, *dimension);
    put(bytes, static_cast<std::uint32_t>(tensor.type));
    put(bytes, offset);
    offset += tensor.bytes() + padding(tensor.bytes());
  }
  bytes.append(padding(bytes.size()), '\0');
  return bytes;
}

}  // namespace

void GgufPairs::begin(std::string_view key, std::uint32_t type) {
  put_text(bytes_, key);
  put(bytes_, type);
  ++count_;
}

void GgufPairs::begin_array(std::string_view key, std::uint32_t element_type, std::size_t count) {
  begin(key, id_of(GgufType::array));
  put(bytes_, element_type);
  put<std::uint64_t>(bytes_, count);
}

void GgufPairs::text(std::string_view key, std::string_view value) {
  begin(key, id_of(GgufType::string));
  put_text(bytes_, value);
}

void GgufPairs::u32(std::string_view key, std::uint32_t value) {
  begin(key, id_of(GgufType::u32));
  put(bytes_, value);
}

void GgufPairs::f32(std::string_view key, float value) {
  begin(key, id_of(GgufType::f32));
  put(bytes_, value);
}

void GgufPairs::boolean(std::string_view key, bool value) {
  begin(key, id_of(GgufType::boolean));
  put<std::uint8_t>(bytes_, value ? 1 : 0);
}

void GgufPairs::texts(std::string_view key, const std::vector<std::string>& values) {
  begin_array(key, id_of(GgufType::string), values.size());
  for (const std::string& value : values) put_text(bytes_, value);
}

void GgufPairs::i32s(std::string_view key, const std::vector<std::int32_t>& values) {
  begin_array(key, id_of(GgufType::i32), values.size());
  for (const std::int32_t value : values) put(bytes_, value);
}

void GgufPairs::f32s(std::string_view key, const std::vector<float>& values) {
  begin_array(key, id_of(GgufType::f32), values.size());
  for (const float value : values) put(bytes_, value);
}

std::uint64_t GgufTensor::bytes() const {
  std::int64_t values = 1;
  for (const std::int64_t dimension : shape) values *= dimension;
  return static_cast<std::uint64_t>(ggml_bytes(type, values));
}

Result<GgufWriter> GgufWriter::create(const std::filesystem::path& path, const GgufPairs& pairs,
                                      std::vector<GgufTensor> tensors) {
  auto file = StreamedFile::create(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  const std::string header = header_bytes(pairs, tensors);
  if (auto written = file->append(std::as_bytes(std::span(header))); !written)
    return tl::unexpected(std::move(written.error()));
  return GgufWriter(std::move(*file), std::move(tensors));
}

Result<void> GgufWriter::append(std::span<const std::byte> bytes) {
  const std::uint64_t size = current_ < tensors_.size() ? tensors_[current_].bytes() : 0;
  if (bytes.size() > size - written_)
    return fail(ErrorCode::internal,
                fmt::format("More bytes were written to {} than declared.", file_.path().string()));
  if (auto done = file_.append(bytes); !done) return done;
  written_ += bytes.size();
  if (written_ < size) return {};
  ++current_;
  written_ = 0;
  return file_.append_padding(padding(size));
}

Result<void> GgufWriter::finish() {
  if (current_ != tensors_.size())
    return fail(ErrorCode::internal, fmt::format("{} of {} tensors of {} were not written.", tensors_.size() - current_,
                                                 tensors_.size(), file_.path().string()));
  return file_.finish();
}

}  // namespace quantscope
