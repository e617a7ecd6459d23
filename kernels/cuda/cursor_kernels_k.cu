// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cursor_kernels_of.h"

namespace quantscope::cuda {

template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q2_k>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q3_k>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q4_k>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q5_k>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::q6_k>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq4_xs>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::tq2_0>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::tq1_0>>();

}  // namespace quantscope::cuda
