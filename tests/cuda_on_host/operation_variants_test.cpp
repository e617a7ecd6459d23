// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernels/operation_variants.h"

#include "tests/cuda_on_host/gpu_test.h"

namespace quantscope::testing {
namespace {

class CudaOperationVariants : public GpuTest {};

TEST_F(CudaOperationVariants, RowsAreScaled) { expect_scaled_rows(*create_gpu()); }
TEST_F(CudaOperationVariants, ANormFollowsALinear) { expect_norm_after_linear(*create_gpu()); }
TEST_F(CudaOperationVariants, TheGateMayBeGelu) { expect_gelu_gate(*create_gpu()); }
TEST_F(CudaOperationVariants, HeadsAreNormalizedBeforeTheyAreRotated) { expect_head_norms(*create_gpu(), true); }
TEST_F(CudaOperationVariants, HeadsAreNormalizedWithoutRotation) { expect_head_norms(*create_gpu(), false); }
TEST_F(CudaOperationVariants, LogitsAreCapped) { expect_capped_logits(*create_gpu()); }

}  // namespace
}  // namespace quantscope::testing
