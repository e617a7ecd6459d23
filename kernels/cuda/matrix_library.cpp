// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/matrix_library.h"

#include <string>
#include <utility>

namespace quantscope::cuda {
namespace {
Result<void> checked(cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return {};
  const std::string reason = cublasGetStatusString(status);
  return fail(status == CUBLAS_STATUS_ALLOC_FAILED ? ErrorCode::out_of_memory : ErrorCode::device,
              "cuBLAS failed: " + reason + "; start the program again or use the CPU.");
}

cudaDataType type_of(ComputeType compute) {
  if (compute == ComputeType::fp32) return CUDA_R_32F;
  return compute == ComputeType::fp16 ? CUDA_R_16F : CUDA_R_16BF;
}
}  // namespace

Result<std::unique_ptr<MatrixLibrary>> MatrixLibrary::create(Device& device) {
  std::unique_ptr<MatrixLibrary> library(new MatrixLibrary(device));
  auto memory = DeviceMemory::allocate(device, MemoryTag::workspace, workspace_bytes);
  if (!memory) return tl::unexpected(memory.error());
  library->workspace_ = std::move(*memory);
  auto ready = checked(cublasCreate(&library->handle_))
                   .and_then([&] { return checked(cublasSetStream(library->handle_, device.stream())); })
                   .and_then([&] {
                     return checked(
                         cublasSetWorkspace(library->handle_, library->workspace_.data<std::byte>(), workspace_bytes));
                   });
  if (!ready) return tl::unexpected(ready.error());
  return library;
}

MatrixLibrary::~MatrixLibrary() {
  if (handle_ != nullptr) cublasDestroy(handle_);
}

// cuBLAS is column-major: y^T[outputs, rows] = w^T^T[outputs, columns] x^T[columns, rows].
Result<void> MatrixLibrary::multiply(const Product& p, ComputeType operands) {
  const float one = 1.0F;
  const float beta = p.add ? 1.0F : 0.0F;
  const auto n = static_cast<int>(p.outputs), m = static_cast<int>(p.rows), k = static_cast<int>(p.columns);
  return checked(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, n, m, k, &one, p.w, type_of(operands), k, p.x,
                              type_of(operands), k, &beta, p.y, CUDA_R_32F, static_cast<int>(p.stride),
                              CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
}

Result<void> MatrixLibrary::multiply_int8(const Product& p) {
  const std::int32_t one = 1, zero = 0;
  const auto n = static_cast<int>(p.outputs), m = static_cast<int>(p.rows), k = static_cast<int>(p.columns);
  return checked(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, n, m, k, &one, p.w, CUDA_R_8I, k, p.x, CUDA_R_8I, k,
                              &zero, p.y, CUDA_R_32I, static_cast<int>(p.stride), CUBLAS_COMPUTE_32I,
                              CUBLAS_GEMM_DEFAULT));
}

}  // namespace quantscope::cuda
