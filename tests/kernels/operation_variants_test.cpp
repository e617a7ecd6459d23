// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernels/operation_variants.h"

namespace quantscope::testing {
namespace {

class OperationVariants : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Backend> backend = create_cpu(GetParam(), 2);
};

TEST_P(OperationVariants, RowsAreScaled) { expect_scaled_rows(*backend); }
TEST_P(OperationVariants, ANormFollowsALinear) { expect_norm_after_linear(*backend); }
TEST_P(OperationVariants, TheGateMayBeGelu) { expect_gelu_gate(*backend); }
TEST_P(OperationVariants, HeadsAreNormalizedBeforeTheyAreRotated) { expect_head_norms(*backend, true); }
TEST_P(OperationVariants, HeadsAreNormalizedWithoutRotation) { expect_head_norms(*backend, false); }
TEST_P(OperationVariants, LogitsAreCapped) { expect_capped_logits(*backend); }

INSTANTIATE_TEST_SUITE_P(Levels, OperationVariants, ::testing::ValuesIn(levels()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace quantscope::testing
