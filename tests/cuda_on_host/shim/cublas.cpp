// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <cstring>

#include "cublas_v2.h"
#include "heap.h"
#include "kernels/formats/half.h"
#include "running.h"
#include "stream.h"

struct CudaHostBlas {
  cudaStream_t stream = nullptr;
};

namespace {
using cuda_on_host::ByteState;
using cuda_on_host::device_heap;
using cuda_on_host::machine;

std::size_t size_of(cudaDataType type) {
  switch (type) {
    case CUDA_R_8I: return 1;
    case CUDA_R_16F:
    case CUDA_R_16BF: return 2;
    default: return 4;
  }
}

/// A matrix, or one of many, `distance` elements apart.
struct Matrix {
  const std::byte* data;
  cudaDataType type;
  std::int64_t stride;
  std::int64_t distance;
  bool transposed;

  const std::byte* at(std::int64_t row, std::int64_t column, std::int64_t number) const {
    if (transposed) std::swap(row, column);
    return data + static_cast<std::size_t>(number * distance + row + column * stride) * size_of(type);
  }
};

template <class T>
T read(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

double value_at(const std::byte* from, cudaDataType type) {
  switch (type) {
    case CUDA_R_8I: return read<std::int8_t>(from);
    case CUDA_R_32I: return read<std::int32_t>(from);
    case CUDA_R_16F: return static_cast<double>(quantscope::fp16_to_fp32(read<std::uint16_t>(from)));
    case CUDA_R_16BF: return static_cast<double>(quantscope::bf16_to_fp32(read<std::uint16_t>(from)));
    case CUDA_R_32F: break;
  }
  return static_cast<double>(read<float>(from));
}

void store(std::byte* to, cudaDataType type, double value) {
  const auto write = [to](auto stored) { std::memcpy(to, &stored, sizeof stored); };
  const auto rounded = static_cast<float>(value);  // what the sums of cuBLAS are
  switch (type) {
    case CUDA_R_32I:
      return write(static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int64_t>(value))));
    case CUDA_R_16F: return write(quantscope::fp32_to_fp16(rounded));
    case CUDA_R_16BF: return write(quantscope::fp32_to_bf16(rounded));
    default: return write(rounded);
  }
}

struct Product {
  Matrix a, b, c;
  std::int64_t m, n, k, count;
  double alpha, beta;
};

/// Is the matrix of so many rows and columns inside a buffer, and written where it is read?
bool is_readable(const char* name, const Matrix& matrix, std::int64_t rows, std::int64_t columns, std::int64_t count,
                 ByteState least) {
  for (std::int64_t number = 0; number < count; ++number) {
    const std::int64_t lines = matrix.transposed ? rows : columns;  // along the stride
    for (std::int64_t line = 0; line < lines; ++line) {
      const std::byte* const begin = matrix.transposed ? matrix.at(line, 0, number) : matrix.at(0, line, number);
      const auto bytes = static_cast<std::size_t>(matrix.transposed ? columns : rows) * size_of(matrix.type);
      if (device_heap().covers(begin) && device_heap().has(begin, bytes, least)) continue;
      return cuda_on_host::report("cuBLAS: {} bytes of matrix {} at {} are not in a buffer or not written", bytes, name,
                                  cuda_on_host::place_name(begin));
    }
  }
  return true;
}

void run(const Product& p) {
  const cuda_on_host::OpenHeap open(device_heap());
  const bool good = is_readable("a", p.a, p.m, p.k, p.count, ByteState::written) &&
                    is_readable("b", p.b, p.k, p.n, p.count, ByteState::written) &&
                    is_readable("c", p.c, p.m, p.n, p.count, p.beta == 0.0 ? ByteState::unwritten : ByteState::written);
  if (!good) {
    machine().pending = cudaErrorLaunchFailure;
    return;
  }
  for (std::int64_t number = 0; number < p.count; ++number) {
    for (std::int64_t column = 0; column < p.n; ++column) {
      for (std::int64_t row = 0; row < p.m; ++row) {
        double sum = 0.0;
        for (std::int64_t i = 0; i < p.k; ++i) {
          sum += value_at(p.a.at(row, i, number), p.a.type) * value_at(p.b.at(i, column, number), p.b.type);
        }
        auto* const to = const_cast<std::byte*>(p.c.at(row, column, number));
        const double before = p.beta == 0.0 ? 0.0 : p.beta * value_at(to, p.c.type);
        store(to, p.c.type, p.alpha * sum + before);
        device_heap().mark_written(to, size_of(p.c.type));
      }
    }
  }
}

bool supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute) {
  if (a != b) return false;
  if (a == CUDA_R_8I) return c == CUDA_R_32I && compute == CUBLAS_COMPUTE_32I;
  const bool floating = a == CUDA_R_32F || a == CUDA_R_16F || a == CUDA_R_16BF;
  return floating && (c == CUDA_R_32F || c == a) && compute != CUBLAS_COMPUTE_32I;
}

double scalar(const void* value, cublasComputeType_t compute) {
  if (compute == CUBLAS_COMPUTE_32I) return *static_cast<const std::int32_t*>(value);
  return static_cast<double>(*static_cast<const float*>(value));
}

bool is_long_enough(int stride, cublasOperation_t operation, int rows, int columns) {
  return stride >= std::max(1, operation == CUBLAS_OP_N ? rows : columns);
}
}  // namespace

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new CudaHostBlas;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void* workspace, std::size_t bytes) {
  const bool in_buffer = device_heap().covers(workspace) && device_heap().has(workspace, bytes, ByteState::unwritten);
  return bytes == 0 || in_buffer ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "success";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality requested is not supported";
    default: return "an error of the library";
  }
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t a_operation, cublasOperation_t b_operation, int m,
                            int n, int k, const void* alpha, const void* a, cudaDataType a_type, int a_stride,
                            const void* b, cudaDataType b_type, int b_stride, const void* beta, void* c,
                            cudaDataType c_type, int c_stride, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(handle, a_operation, b_operation, m, n, k, alpha, a, a_type, a_stride, 0, b, b_type,
                                    b_stride, 0, beta, c, c_type, c_stride, 0, 1, compute, algorithm);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t a_operation,
                                          cublasOperation_t b_operation, int m, int n, int k, const void* alpha,
                                          const void* a, cudaDataType a_type, int a_stride, long long a_distance,
                                          const void* b, cudaDataType b_type, int b_stride, long long b_distance,
                                          const void* beta, void* c, cudaDataType c_type, int c_stride,
                                          long long c_distance, int count, cublasComputeType_t compute,
                                          cublasGemmAlgo_t) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const bool valid = m >= 0 && n >= 0 && k >= 0 && count >= 0 && is_long_enough(a_stride, a_operation, m, k) &&
                     is_long_enough(b_stride, b_operation, k, n) && c_stride >= std::max(1, m);
  if (!valid) return CUBLAS_STATUS_INVALID_VALUE;
  const bool whole_words = a_type != CUDA_R_8I || (a_stride % 4 == 0 && b_stride % 4 == 0);
  if (!supported(a_type, b_type, c_type, compute) || !whole_words) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (m == 0 || n == 0 || count == 0) return CUBLAS_STATUS_SUCCESS;
  const Product product{{static_cast<const std::byte*>(a), a_type, a_stride, a_distance, a_operation != CUBLAS_OP_N},
                        {static_cast<const std::byte*>(b), b_type, b_stride, b_distance, b_operation != CUBLAS_OP_N},
                        {static_cast<const std::byte*>(c), c_type, c_stride, c_distance, false},
                        m,
                        n,
                        k,
                        count,
                        scalar(alpha, compute),
                        scalar(beta, compute)};
  const cudaError_t status = cuda_on_host::queue(handle->stream, [product] { run(product); });
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
