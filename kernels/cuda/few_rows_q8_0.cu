// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/few_rows_kernel.h"

namespace quantscope::cuda {

template cudaError_t run_few_rows<Q80Codec>(cudaStream_t, const FewRowsArguments&, const FewRowsShape&, std::int64_t);

}  // namespace quantscope::cuda
