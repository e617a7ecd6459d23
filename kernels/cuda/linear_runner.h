// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/cuda/device_objects.h"
#include "kernels/cuda/linear_kernels.h"
#include "kernels/cuda/linear_paths.h"
#include "kernels/cuda/matrix_library.h"
#include "kernels/cuda/row_kernels.h"
#include "kernels/cuda/scratch_set.h"

namespace quantscope::cuda {

/// What linears read: rows of fp32 values, normalized first if they are to be.
struct LinearInput {
  const float* values = nullptr;         ///< device memory, as it is until the last multiply()
  const std::int32_t* picked = nullptr;  ///< which rows, in order; null for all
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const float* norm = nullptr;  ///< weights of an RMSNorm; null for none
  float epsilon = 0.0F;
  float norm_offset = 0.0F;  ///< added to each weight of the norm
};

/// Runs the linears of one input on the paths of linear_paths.h, and rounds the input once for all of them. Nothing is
/// finished when a function returns.
class LinearRunner {
 public:
  /// Device and scratch must outlive it.
  static Result<std::unique_ptr<LinearRunner>> create(Device& device, ScratchSet& scratch);

  /// What multiply() reads from now on.
  void begin(const LinearInput& input);
  /// The products with a weight. Fails with invalid_argument or unsupported when it does not fit the activation mode,
  /// and with cancelled.
  Result<void> multiply(const Linear& linear, const ProductTarget& target);
  /// The same on a path that can multiply it, whatever linear_paths.h would choose.
  Result<void> multiply_on(LinearPath path, const Linear& linear, const ProductTarget& target);

  /// Whether these linears are one launch of few_rows_products.h.
  bool fuse(std::span<const Linear* const> linears) const;
  /// That launch. `outputs` are [rows, weight.rows]. Precondition: fuse(linears).
  Result<void> multiply_fused(std::span<const Linear* const> linears, std::span<float* const> outputs,
                              FewRowsResult result, GateActivation activation = GateActivation::silu);
  /// The best tokens of at most eight rows, without logits. `best` is [rows]. Precondition: fuse({&head}).
  Result<void> find_best(const Linear& head, BestTwo* best);
  /// The input as fp32 values, normalized and not rounded.
  Result<const float*> values();

 private:
  LinearRunner(Device& device, ScratchSet& scratch) : device_(device), scratch_(scratch) {}
  template <class T>
  Result<T*> reserve(ScratchUse use, std::int64_t count) {
    return scratch_[use].reserve<T>(device_, count);
  }
  LinearPath path_of(const Linear& linear) const;
  Result<FewRowsArguments> few_rows_arguments(std::span<const Linear* const> linears, std::int64_t first,
                                              std::int64_t count);
  Result<const std::uint16_t*> narrow(ComputeType compute);
  Result<const float*> wide(ComputeType compute);
  Result<void> multiply_few_rows(const Linear& linear, const ProductTarget& target);
  Result<void> multiply_in_library(const Linear& linear, const ProductTarget& target);
  Result<void> prepare_int8(const Linear& linear);
  Result<void> multiply_int8(const Linear& linear, const ProductTarget& target, bool library);

  Device& device_;
  ScratchSet& scratch_;
  std::unique_ptr<MatrixLibrary> library_;
  LinearInput input_;
  // What is there of the current input.
  const std::uint16_t* narrow_ = nullptr;
  const float* wide_ = nullptr;
  ComputeType narrow_type_ = ComputeType::bf16;
  ComputeType wide_type_ = ComputeType::fp32;
  Int8Rows int8_rows_;
};

}  // namespace quantscope::cuda
