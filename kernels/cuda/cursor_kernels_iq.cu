// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/cursor_kernels_of.h"
#include "kernels/formats/ggml_iq_grids.h"

namespace quantscope::cuda {
namespace {
// Device code may not refer to host arrays.
__device__ constexpr auto device_iq3_s_grid = local_table(iq3_s_grid);
__device__ constexpr auto device_iq3_xxs_grid = local_table(iq3_xxs_grid);
__device__ constexpr auto device_iq2_s_grid = local_table(iq2_s_grid);
__device__ constexpr auto device_iq2_xs_grid = local_table(iq2_xs_grid);
__device__ constexpr auto device_iq2_xxs_grid = local_table(iq2_xxs_grid);
__device__ constexpr auto device_iq1_grid = local_table(iq1_grid);
}  // namespace

template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq3_s>() {
  return device_iq3_s_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq3_xxs>() {
  return device_iq3_xxs_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq2_s>() {
  return device_iq2_s_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq2_xs>() {
  return device_iq2_xs_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq2_xxs>() {
  return device_iq2_xxs_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq1_m>() {
  return device_iq1_grid.values;
}
template <>
__device__ const std::uint16_t* ggml_grid<GgmlType::iq1_s>() {
  return device_iq1_grid.values;
}

template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq3_s>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq3_xxs>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq2_s>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq2_xs>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq2_xxs>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq1_m>>();
template CursorKernels cursor_kernels_of<GgmlCursor<GgmlType::iq1_s>>();

}  // namespace quantscope::cuda
