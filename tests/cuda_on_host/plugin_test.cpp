// SPDX-License-Identifier: GPL-3.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kernels/plugin/plugin_loader.h"

namespace quantscope::testing {
namespace {
using ::testing::HasSubstr;

Error refusal(const std::filesystem::path& file) {
  const auto plugin = BackendPlugin::open(file);
  EXPECT_FALSE(plugin.has_value()) << file;
  return plugin ? Error{} : plugin.error();
}

TEST(PluginLoader, RefusesAPluginOfAnotherVersionWithoutCallingIt) {
  const Error error = refusal(OTHER_VERSION_PLUGIN);
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_THAT(error.message, HasSubstr("another version"));
  EXPECT_EQ(error.where, OTHER_VERSION_PLUGIN);
}

TEST(PluginLoader, NamesTheLibraryThatIsMissing) {
  const Error error = refusal(NEEDS_ABSENT_PLUGIN);
  EXPECT_EQ(error.code, ErrorCode::device);
  EXPECT_THAT(error.message, HasSubstr(ABSENT_LIBRARY));
  EXPECT_THAT(error.message, HasSubstr("not installed"));
}

TEST(PluginLoader, RefusesLibrariesAndFilesThatAreNoPlugins) {
  EXPECT_EQ(refusal(NO_ENTRY_PLUGIN).code, ErrorCode::device);
  EXPECT_EQ(refusal("/nowhere/libquantscope-cuda.so").code, ErrorCode::not_found);
  const std::filesystem::path text = std::filesystem::path(::testing::TempDir()) / "no_library.so";
  std::ofstream(text) << "not a library";
  EXPECT_EQ(refusal(text).code, ErrorCode::device);
}

TEST(PluginLoader, LooksBesideTheProgramAndInTheInstallFolder) {
  const auto folders = plugin_folders();
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_EQ(folders[0], std::filesystem::read_symlink("/proc/self/exe").parent_path());
  EXPECT_EQ(folders[1], folders[0].parent_path() / "lib" / "quantscope");
}

TEST(PluginLoader, WithoutAPluginThereIsOneUnavailableDevice) {
  const auto devices = cuda_devices();
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].id, "cuda");
  EXPECT_EQ(devices[0].unavailable, "The CUDA plug-in is not installed beside the program.");
  const auto backend = create_cuda_backend(0);
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().code, ErrorCode::not_found);
}

TEST(CudaPlugin, DescribesTheMachineWhateverItHas) {
  if (!std::filesystem::exists(CUDA_PLUGIN)) GTEST_SKIP() << "the CUDA plug-in is not built here";
  const auto plugin = BackendPlugin::open(CUDA_PLUGIN);
  ASSERT_TRUE(plugin.has_value()) << plugin.error().message;
  const auto devices = plugin->devices();
  ASSERT_FALSE(devices.empty());
  if (devices[0].unavailable.empty()) {
    EXPECT_EQ(devices[0].id, "cuda:0");
    EXPECT_TRUE(plugin->create(0).has_value());
    return;
  }
  EXPECT_THAT(devices[0].unavailable, ::testing::AnyOf(HasSubstr("driver"), HasSubstr("GPU")));
  const auto backend = plugin->create(0);
  ASSERT_FALSE(backend.has_value());
  EXPECT_EQ(backend.error().code, ErrorCode::device);
  EXPECT_EQ(backend.error().message, devices[0].unavailable);
}

}  // namespace
}  // namespace quantscope::testing
