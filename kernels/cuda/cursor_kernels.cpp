// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cursor_kernels.h"

namespace quantscope::cuda {

class FlatCursor;
class AffineCursor;
class Fp8Cursor;
template <GgmlType type>
class GgmlCursor;

namespace {
template <GgmlType type>
CursorKernels block_kernels() {
  return cursor_kernels_of<GgmlCursor<type>>();
}

CursorKernels block_kernels_of(GgmlType type) {
  switch (type) {
    case GgmlType::f32:
    case GgmlType::f16:
    case GgmlType::bf16: break;  // a view shows them as dense
    case GgmlType::q4_0: return block_kernels<GgmlType::q4_0>();
    case GgmlType::q4_1: return block_kernels<GgmlType::q4_1>();
    case GgmlType::q5_0: return block_kernels<GgmlType::q5_0>();
    case GgmlType::q5_1: return block_kernels<GgmlType::q5_1>();
    case GgmlType::q8_0: return block_kernels<GgmlType::q8_0>();
    case GgmlType::iq4_nl: return block_kernels<GgmlType::iq4_nl>();
    case GgmlType::mxfp4: return block_kernels<GgmlType::mxfp4>();
    case GgmlType::q2_k: return block_kernels<GgmlType::q2_k>();
    case GgmlType::q3_k: return block_kernels<GgmlType::q3_k>();
    case GgmlType::q4_k: return block_kernels<GgmlType::q4_k>();
    case GgmlType::q5_k: return block_kernels<GgmlType::q5_k>();
    case GgmlType::q6_k: return block_kernels<GgmlType::q6_k>();
    case GgmlType::iq4_xs: return block_kernels<GgmlType::iq4_xs>();
    case GgmlType::iq3_s: return block_kernels<GgmlType::iq3_s>();
    case GgmlType::iq3_xxs: return block_kernels<GgmlType::iq3_xxs>();
    case GgmlType::iq2_s: return block_kernels<GgmlType::iq2_s>();
    case GgmlType::iq2_xs: return block_kernels<GgmlType::iq2_xs>();
    case GgmlType::iq2_xxs: return block_kernels<GgmlType::iq2_xxs>();
    case GgmlType::iq1_m: return block_kernels<GgmlType::iq1_m>();
    case GgmlType::iq1_s: return block_kernels<GgmlType::iq1_s>();
    case GgmlType::tq2_0: return block_kernels<GgmlType::tq2_0>();
    case GgmlType::tq1_0: return block_kernels<GgmlType::tq1_0>();
  }
  return cursor_kernels_of<FlatCursor>();
}
}  // namespace

CursorKernels cursor_kernels(const WeightView& weight) {
  switch (weight.code_type) {
    case CodeType::float32:
    case CodeType::float16:
    case CodeType::bfloat16:
    case CodeType::signed8:
    case CodeType::packed4: break;
    case CodeType::unsigned_bits: return cursor_kernels_of<AffineCursor>();
    case CodeType::float8_e4m3: return cursor_kernels_of<Fp8Cursor>();
    case CodeType::ggml_blocks: return block_kernels_of(weight.ggml_type);
  }
  return cursor_kernels_of<FlatCursor>();
}

}  // namespace quantscope::cuda
