// SPDX-License-Identifier: GPL-3.0-or-later
#include <cuda_runtime.h>
#include <gtest/gtest.h>

/// Makes a test fail when a detector found something in it, also where the code under test passed over the error.
namespace quantscope::testing {
namespace {
class ReportListener : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo&) override { cuda_on_host::machine().report.clear(); }
  void OnTestEnd(const ::testing::TestInfo&) override { EXPECT_EQ(cuda_on_host::machine().report, ""); }
};

[[maybe_unused]] const bool listening = [] {
  ::testing::UnitTest::GetInstance()->listeners().Append(new ReportListener);
  return true;
}();
}  // namespace
}  // namespace quantscope::testing
