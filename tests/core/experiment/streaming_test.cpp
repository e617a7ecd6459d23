// SPDX-License-Identifier: GPL-3.0-or-later
// Quantizing a model of more than a gigabyte needs the memory of a weight, not that of the model.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "core/checkpoint/gguf_export.h"
#include "core/experiment/write_checkpoint.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/sanitizers.h"
#include "tests/support/sparse_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

using testing::TemporaryFolder;
namespace fs = std::filesystem;

/// 0 once the process is gone.
std::int64_t anonymous_bytes(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::int64_t kilobytes = 0;
  for (std::string word; status >> word;)
    if (word == "RssAnon:") status >> kilobytes;
  return 1024 * kilobytes;
}

struct ChildMemory {
  bool succeeded = false;
  std::int64_t peak = 0;  ///< bytes of memory that belongs to no file, looked at every millisecond
};

/// Runs `work` in a process of its own. Pages of mapped files do not count: the system takes them back at will.
ChildMemory run_in_child(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  ChildMemory memory;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    memory.peak = std::max(memory.peak, anonymous_bytes(child));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  memory.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return memory;
}

class Streaming : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::sanitized) GTEST_SKIP() << "sanitizers keep memory of their own";
    const std::uint64_t bytes =
        testing::write_sparse_checkpoint(model(), {32768, 2048, 8192, 8, 32, 8}, 2, std::uint64_t{1} << 20);
    ASSERT_GT(bytes, 1'000'000'000U);
  }
  fs::path model() const { return folder_.path() / "model"; }
  fs::path written() const { return folder_.path() / "written"; }

  static std::int64_t size_of(const fs::path& path) {
    if (!fs::is_directory(path)) return static_cast<std::int64_t>(fs::file_size(path));
    std::int64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(path)) bytes += static_cast<std::int64_t>(entry.file_size());
    return bytes;
  }

  void expect_small(const ChildMemory& memory) const {
    ASSERT_TRUE(memory.succeeded);
    const std::int64_t quantized = size_of(written());
    RecordProperty("quantized_bytes", std::to_string(quantized));
    RecordProperty("peak_anonymous_bytes", std::to_string(memory.peak));
    EXPECT_GT(memory.peak, 1 << 20) << "nothing was measured";
    EXPECT_LE(memory.peak, quantized + (64 << 20));
    // What is promised is more than what is needed: tiles of 32 MiB, which the allocator keeps a while, and codes.
    EXPECT_LE(memory.peak, 160 << 20);
    const auto checkpoint = testing::value_of(Checkpoint::open(written()));
    const TensorInfo& tensor = *checkpoint->find("model.layers.7.mlp.down_proj.weight");
    std::vector<float> row(static_cast<std::size_t>(tensor.columns()));
    ASSERT_TRUE(checkpoint->decode_rows(tensor, 0, 1, row));
    EXPECT_NE(row.front(), 0.0F);
  }

  TemporaryFolder folder_;
};

TEST_F(Streaming, OfABitsandbytesFolder) {
  expect_small(run_in_child([&] {
    const auto checkpoint = testing::value_of(Checkpoint::open(model()));
    const auto settings = testing::value_of(parse_configuration("nf4"));
    const auto resolved = resolve(settings, checkpoint->model(), checkpoint->tensors(), describe_cpu(), {1024, 512});
    const auto backend = testing::value_of(create_cpu_backend({2, "auto"}));
    return write_checkpoint(*checkpoint, *resolved, *backend, "bitsandbytes", written(), {}, {}).has_value();
  }));
}

TEST_F(Streaming, OfAGgufFile) {
  expect_small(run_in_child([&] {
    const auto checkpoint = testing::value_of(Checkpoint::open(model()));
    const auto backend = testing::value_of(create_cpu_backend({2, "auto"}));
    return write_gguf(*checkpoint, {}, {GgmlType::q4_0, {}}, *backend, written(), {}, {}).has_value();
  }));
}

}  // namespace
}  // namespace quantscope
