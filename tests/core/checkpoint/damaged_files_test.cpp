// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_header.h"
#include "core/checkpoint/safetensors_header.h"
#include "tests/core/checkpoint/small_checkpoints.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
using ::testing::HasSubstr;

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Opens whatever the bytes make and reads all of it; the outcome does not matter, surviving does.
bool survive(const std::filesystem::path& path) {
  const auto checkpoint = Checkpoint::open(path);
  if (!checkpoint) {
    EXPECT_FALSE(checkpoint.error().message.empty());
    return false;
  }
  for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
    std::vector<float> values(static_cast<std::size_t>(tensor.count()));
    EXPECT_TRUE((*checkpoint)->decode_rows(tensor, 0, tensor.rows(), values));
  }
  return true;
}

/// Each file format of the small model and the end of its header.
struct Whole {
  std::string extension;
  std::string bytes;
  std::size_t header_bytes;
};

std::vector<Whole> whole_files() {
  const std::string gguf = small_gguf().build(), safetensors = safetensors_file(small_tensors());
  return {{".gguf", gguf, read_gguf_header(as_bytes(gguf), "x").value().data_offset},
          {".safetensors", safetensors, read_safetensors_header(as_bytes(safetensors), "x").value().data_offset},
          {".json", small_config(), small_config().size()}};
}

TEST(DamagedFiles, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  for (const Whole& whole : whole_files()) {
    const auto path = folder.write("cut" + whole.extension, whole.bytes);
    EXPECT_TRUE(survive(path));
    const std::size_t last = (whole.bytes.size() - 1) / 64 * 64;
    for (std::size_t size = last + 64; size >= 64;) {
      size -= 64;
      std::filesystem::resize_file(path, size);
      EXPECT_FALSE(survive(path)) << whole.extension << " cut to " << size;
    }
  }
}

TEST(DamagedFiles, FlippedHeaderBytesDoNoHarm) {
  const TemporaryFolder folder;
  for (const Whole& whole : whole_files()) {
    const auto path = folder.write("flipped" + whole.extension, whole.bytes);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t i = 0; i < whole.header_bytes; ++i)
      for (const int mask : {0x01, 0x80, 0xFF}) {
        file.seekp(static_cast<std::streamoff>(i)).put(static_cast<char>(whole.bytes[i] ^ mask)).flush();
        survive(path);
        file.seekp(static_cast<std::streamoff>(i)).put(whole.bytes[i]).flush();
      }
    EXPECT_TRUE(survive(path)) << "all flips are undone";
  }
}

Error gguf_error(const GgufBuilder& builder) {
  const auto header = read_gguf_header(as_bytes(builder.build()), "folder/bad.gguf");
  return header ? Error{} : header.error();
}

TEST(DamagedGguf, CountsBeyondTheFileAreRefusedBeforeAllocation) {
  GgufBuilder tensors = small_gguf(), keys = small_gguf();
  tensors.extra_tensors = std::uint64_t{1} << 62;
  keys.extra_keys = std::uint64_t{1} << 62;
  EXPECT_THAT(gguf_error(tensors).message, HasSubstr("too short for 4611686018427387"));
  EXPECT_THAT(gguf_error(keys).message, HasSubstr("metadata keys"));
  const std::string many = bytes_of<std::uint64_t>(std::uint64_t{1} << 62);
  for (const std::uint32_t element : {0U, 6U, 8U, 12U}) {
    const std::string array = bytes_of(element) + many;
    EXPECT_THAT(gguf_error(small_gguf().raw("list", 9, array)).message, HasSubstr("ends inside the value of 'list'"));
  }
  EXPECT_THAT(gguf_error(small_gguf().raw("text", 8, many)).message, HasSubstr("ends inside the value of 'text'"));
}

TEST(DamagedGguf, MetadataIsChecked) {
  EXPECT_THAT(gguf_error(small_gguf().text("general.name", "again")).message, HasSubstr("'general.name' occurs twice"));
  EXPECT_THAT(gguf_error(small_gguf().text("", "x")).message, HasSubstr("key is empty"));
  EXPECT_THAT(gguf_error(small_gguf().text("\xFF", "x")).message, HasSubstr("not UTF-8"));
  EXPECT_THAT(gguf_error(small_gguf().raw("x", 13, "")).message, HasSubstr("13 is no metadata type"));
  const std::string nested = bytes_of<std::uint32_t>(9) + bytes_of<std::uint64_t>(0);
  EXPECT_THAT(gguf_error(small_gguf().raw("x", 9, nested)).message, HasSubstr("array of arrays"));
  EXPECT_THAT(gguf_error(small_gguf().u32("general.alignment", 24)).message, HasSubstr("alignment 24"));
  EXPECT_THAT(gguf_error(small_gguf().u32("general.alignment", 0)).message, HasSubstr("alignment 0"));
}

TEST(DamagedGguf, TensorsAreChecked) {
  const std::string data(1024, '\0');
  const auto error = [&](std::string_view name, const std::vector<std::int64_t>& dimensions, std::uint32_t type = 0) {
    return gguf_error(small_gguf().tensor(name, dimensions, type, data));
  };
  EXPECT_THAT(error("token_embd.weight", {256}).message, HasSubstr("occurs twice"));
  EXPECT_THAT(error(std::string(64, 'x'), {256}).message, HasSubstr("longer than 63 bytes"));
  EXPECT_THAT(error("x", {1, 1, 1, 1, 1}).message, HasSubstr("5 dimensions"));
  EXPECT_THAT(error("x", {}).message, HasSubstr("0 dimensions"));
  EXPECT_THAT(error("x", {0}).message, HasSubstr("not positive"));
  EXPECT_THAT(error("x", {-1}).message, HasSubstr("not positive"));
  EXPECT_THAT(error("x", {std::int64_t{1} << 32, std::int64_t{1} << 32}).message, HasSubstr("too large"));
  EXPECT_THAT(error("x", {std::int64_t{1} << 61}).message, HasSubstr("too large")) << "2^63 bytes";
  EXPECT_THAT(error("x", {std::int64_t{1} << 60}).message, HasSubstr("file ends before")) << "2^62 bytes";
  EXPECT_THAT(error("x", {48}, 8).message, HasSubstr("do not fit type Q8_0"));
  EXPECT_THAT(error("x", {512}).message, HasSubstr("file ends before the 2048 bytes"));
}

TEST(DamagedGguf, OffsetsMustFollowOneAnother) {
  for (const std::int64_t shift : {std::int64_t{-32}, std::int64_t{1}, std::int64_t{32}, std::int64_t{1} << 62}) {
    const Error error = gguf_error(small_gguf().shift_last_offset(shift));
    EXPECT_EQ(error.code, ErrorCode::corrupt_file);
    EXPECT_THAT(error.message, HasSubstr("tensor output_norm.weight: its data begins"));
    EXPECT_THAT(error.where, HasSubstr("folder/bad.gguf, tensor output_norm.weight, byte "));
  }
}

std::string safetensors_message(const std::string& bytes) {
  const auto header = read_safetensors_header(as_bytes(bytes), "bad.safetensors");
  return header ? "read" : header.error().message;
}

/// One tensor named "x" and eight bytes of data.
std::string one_tensor(const std::string& fields) {
  return safetensors_message(safetensors_file("{\"x\":{" + fields + "}}") + std::string(8, '\0'));
}

TEST(DamagedSafetensors, HeaderLengthIsChecked) {
  EXPECT_THAT(safetensors_message(bytes_of<std::uint64_t>(std::uint64_t{1} << 60) + "{}"),
              HasSubstr("1152921504606846976"));
  EXPECT_THAT(safetensors_message(bytes_of(std::numeric_limits<std::uint64_t>::max()) + "{}"),
              HasSubstr("damaged at byte 0"));
  EXPECT_THAT(safetensors_message(bytes_of<std::uint64_t>(3) + "{}"), HasSubstr("2 bytes follow"));
  EXPECT_THAT(safetensors_message("1234567"), HasSubstr("shorter than 8 bytes"));
  EXPECT_THAT(safetensors_message(safetensors_file("[]")), HasSubstr("not a JSON object"));
  EXPECT_THAT(safetensors_message(safetensors_file("{\"x\"")), HasSubstr("not a JSON object"));
  EXPECT_THAT(safetensors_message(safetensors_file(std::string(100'000, '['))), HasSubstr("not a JSON object"));
  EXPECT_EQ(safetensors_message(safetensors_file("{}")), "read");
}

TEST(DamagedSafetensors, EntriesAreChecked) {
  const std::string type = "\"dtype\":\"F32\",", shape = "\"shape\":[2],", range = "\"data_offsets\":[0,8]";
  EXPECT_EQ(one_tensor(type + shape + range), "read");
  EXPECT_THAT(one_tensor(shape + range), HasSubstr("tensor x: its entry in the header has no dtype"));
  EXPECT_THAT(one_tensor(type + range), HasSubstr("shape"));
  for (const char* bad :
       {"[3]", "[-2]", "[2.5]", "\"2\"", "[1,1]", "[9223372036854775807,2]", "[18446744073709551615]"})
    EXPECT_THAT(one_tensor(type + "\"shape\":" + bad + "," + range), HasSubstr("shape does not agree")) << bad;
  for (const char* bad : {"[8,0]", "[0,9]", "[0]", "[0,4,8]", "[-8,0]", "8", "[18446744073709551615,8]"})
    EXPECT_THAT(one_tensor(type + shape + "\"data_offsets\":" + bad), HasSubstr("data_offsets")) << bad;
  EXPECT_EQ(one_tensor(type + "\"shape\":[0,4],\"data_offsets\":[8,8]"), "read") << "empty tensors are allowed";
}

}  // namespace
}  // namespace quantscope
