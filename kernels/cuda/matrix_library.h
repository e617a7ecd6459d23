// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cublas_v2.h>

#include <cstdint>

#include "kernels/cuda/device_memory.h"

namespace quantscope::cuda {

/// cuBLAS on a device's queue. Sums are fp32 (never TF32) or int32. How cuBLAS sums a row may depend on how many rows
/// there are.
class MatrixLibrary {
 public:
  /// NVIDIA's recommendation for Hopper; smaller GPUs need less.
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

  static Result<std::unique_ptr<MatrixLibrary>> create(Device& device);
  MatrixLibrary(const MatrixLibrary&) = delete;
  MatrixLibrary& operator=(const MatrixLibrary&) = delete;
  ~MatrixLibrary();

  /// y[m, n] (+)= sum over k of x[m, k] w[n, k], all row-major and packed but y, whose rows are `stride` apart.
  struct Product {
    const void* x = nullptr;
    const void* w = nullptr;
    void* y = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t outputs = 0;
    std::int64_t stride = 0;
    bool add = false;
  };
  /// Operands of the compute type (fp32 for that), fp32 products.
  Result<void> multiply(const Product& product, ComputeType operands);
  /// Operands of signed bytes, int32 products. Precondition: columns and outputs are multiples of 4.
  Result<void> multiply_int8(const Product& product);

 private:
  explicit MatrixLibrary(Device& device) : device_(device) {}

  Device& device_;
  cublasHandle_t handle_ = nullptr;
  DeviceMemory workspace_;
};

}  // namespace quantscope::cuda
