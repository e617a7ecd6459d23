// SPDX-License-Identifier: GPL-3.0-or-later
// Opening a checkpoint touches its headers and nothing else, however large it is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "core/checkpoint/checkpoint.h"
#include "tests/support/reference_data.h"
#include "tests/support/sparse_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using namespace quantscope::testing;
namespace fs = std::filesystem;

/// Bytes of a file's mappings in this process that were touched (or lie around touched ones: the kernel maps up to 64
/// KiB at once).
std::int64_t touched_bytes(const fs::path& file) {
  std::ifstream maps("/proc/self/smaps");
  const std::string wanted = fs::canonical(file).string();
  std::int64_t kilobytes = 0;
  bool within = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first.back() != ':') within = line.ends_with(wanted);
    std::int64_t value = 0;
    if (within && first == "Rss:" && words >> value) kilobytes += value;
  }
  return 1024 * kilobytes;
}

/// Bytes of a file that the system holds in memory: what anybody read of it, and what was read ahead.
std::int64_t cached_bytes(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = static_cast<std::size_t>(fs::file_size(file));
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  EXPECT_NE(data, MAP_FAILED);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((size + page - 1) / page);
  EXPECT_EQ(::mincore(data, size, pages.data()), 0);
  ::munmap(data, size);
  std::int64_t count = 0;
  for (const unsigned char state : pages) count += state & 1U;
  return count * static_cast<std::int64_t>(page);
}

/// Where the first tensor of a file begins.
std::int64_t header_bytes(const Checkpoint& checkpoint, std::size_t file) {
  std::uint64_t first = fs::file_size(checkpoint.files()[file]);
  for (const TensorInfo& tensor : checkpoint.tensors())
    if (tensor.file == file) first = std::min(first, tensor.offset);
  return static_cast<std::int64_t>(first);
}

std::shared_ptr<const Checkpoint> open_timed(const fs::path& path) {
  const auto start = std::chrono::steady_clock::now();
  auto opened = Checkpoint::open(path);
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(opened) << opened.error().message;
  ::testing::Test::RecordProperty("milliseconds", std::to_string(time.count()));
  return opened ? *opened : nullptr;
}

constexpr std::int64_t around_a_page = 64 * 1024;

TEST(OpenHeaders, OfTheDefaultModel) {
  QUANTSCOPE_REQUIRE_DEFAULT_MODEL();
  const auto checkpoint = open_timed(default_model_file());
  ASSERT_NE(checkpoint, nullptr);
  const std::int64_t touched = touched_bytes(default_model_file());
  EXPECT_GT(touched, 0);
  EXPECT_LE(touched, header_bytes(*checkpoint, 0) + around_a_page);
}

TEST(OpenHeaders, OfAFolderOf16GigabytesInShards) {
  constexpr int shards = 8;
  // Read ahead around one page and behind the last one of the header.
  constexpr std::int64_t read_ahead = 1 << 20;
  const TemporaryFolder folder;
  ASSERT_GT(write_sparse_checkpoint(folder.path(), llama_8b, shards), 16'000'000'000U);
  const auto checkpoint = open_timed(folder.path());
  ASSERT_NE(checkpoint, nullptr);
  std::size_t shard = 0;
  for (; shard < checkpoint->files().size(); ++shard) {
    const fs::path& file = checkpoint->files()[shard];
    if (file.extension() != ".safetensors") break;
    const std::int64_t header = header_bytes(*checkpoint, shard);
    EXPECT_LT(header, 64 * 1024);
    EXPECT_GT(touched_bytes(file), 0) << file;
    EXPECT_LE(touched_bytes(file), header + around_a_page) << file;
    EXPECT_LE(cached_bytes(file), header + read_ahead) << file;
  }
  EXPECT_EQ(shard, std::size_t{shards});
}

}  // namespace
}  // namespace quantscope
