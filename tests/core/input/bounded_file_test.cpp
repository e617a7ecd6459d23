// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/input/bounded_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;

TEST(ReadBoundedFile, GivesAllBytesOfAFileThatFits) {
  const testing::TemporaryFolder folder;
  const std::string bytes("a\0b\r\n\xFF", 6);
  const auto path = folder.write("x", bytes);
  EXPECT_EQ(*read_bounded_file(path, 6, "file"), bytes);
  EXPECT_EQ(*read_bounded_file(folder.write("empty", ""), 6, "file"), "");
  EXPECT_FALSE(read_bounded_file(path, 5, "file"));
}

TEST(ReadBoundedFile, RefusesALargeFileByItsSize) {
  const testing::TemporaryFolder folder;
  const auto path = folder.write("x", "x");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 34U);  // sparse; reading it would take 16 GiB
  const auto bytes = read_bounded_file(path, 1000, "dataset file");
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::unsupported);
  EXPECT_THAT(bytes.error().message, HasSubstr("17179869184 bytes and a dataset file may have at most 1000"));
}

TEST(ReadBoundedFile, SaysWhatIsWrongWithThePath) {
  const testing::TemporaryFolder folder;
  const auto missing = read_bounded_file(folder.path() / "missing", 1000, "dataset file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("missing' does not exist; choose another dataset file."));
  const auto directory = read_bounded_file(folder.path(), 1000, "dataset file");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::invalid_argument);
}

TEST(ReadBoundedStream, EndsWhereTheLimitIsReached) {
  std::istringstream small("12345");
  EXPECT_EQ(*read_bounded_stream(small, 5, "Standard input"), "12345");
  std::istringstream large(std::string(5'000'000, 'x'));
  const auto bytes = read_bounded_stream(large, 1'000'000, "Standard input");
  ASSERT_FALSE(bytes);
  EXPECT_THAT(bytes.error().message, HasSubstr("Standard input holds more than 1000000 bytes"));
  EXPECT_LE(large.tellg(), 2 << 20) << "the rest stays unread";
}

}  // namespace
}  // namespace quantscope
