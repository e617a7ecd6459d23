// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/cuda/decode_kernels.h"
#include "kernels/cuda/linear_kernels.h"

/// The kernels that read weights through a cursor of weight_cursors.h: right for every format and shape, and the only
/// ones for the formats that checkpoints bring along (affine codes, FP8, blocks of GGUF files).
namespace quantscope::cuda {

struct CursorKernels {
  cudaError_t (*decode)(cudaStream_t stream, const RowsArguments& arguments) = nullptr;
  cudaError_t (*multiply)(cudaStream_t stream, const ProductArguments& arguments) = nullptr;
};

/// The kernels for a weight.
CursorKernels cursor_kernels(const WeightView& weight);

/// Those of one cursor, defined in cursor_kernels_of.h and instantiated in the files cursor_kernels_*.cu, which compile
/// side by side.
template <class Cursor>
CursorKernels cursor_kernels_of();

}  // namespace quantscope::cuda
