// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cursor_kernels_of.h"

namespace quantscope::cuda {

template CursorKernels cursor_kernels_of<AffineCursor>();
template CursorKernels cursor_kernels_of<Fp8Cursor>();

}  // namespace quantscope::cuda
