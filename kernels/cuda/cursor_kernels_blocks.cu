// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cursor_kernels_of.h"

namespace quantscope::cuda {

template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q4_0>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q4_1>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q5_0>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q5_1>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q8_0>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq4_nl>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::mxfp4>>();

}  // namespace quantscope::cuda
