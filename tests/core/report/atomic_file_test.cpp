// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/atomic_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace quantscope {
namespace {

namespace fs = std::filesystem;

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const fs::path folder = fs::path(::testing::TempDir()) / "atomic";
  fs::create_directories(folder);
  ASSERT_TRUE(write_file_atomically(folder / "a.csv", "old"));
  EXPECT_FALSE(write_file_atomically(folder / "missing-folder" / "a.csv", "new"));
  // A part file that is a link to /dev/full fails as a full disk does.
  const fs::path part = folder / ("a.csv." + std::to_string(::getpid()) + ".part");
  fs::create_symlink("/dev/full", part);
  const auto written = write_file_atomically(folder / "a.csv", std::string(1 << 16, 'x'));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  std::ifstream file(folder / "a.csv");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "old");
  EXPECT_FALSE(fs::exists(fs::symlink_status(part)));
}

}  // namespace
}  // namespace quantscope
