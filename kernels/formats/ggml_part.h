// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/formats/ggml_blocks.h"
#include "kernels/formats/ggml_iq_blocks.h"
#include "kernels/formats/ggml_k_blocks.h"
#include "kernels/formats/ggml_ternary_blocks.h"
#include "kernels/formats/ggml_type.h"

/// Every block type of GGUF files behind one name, for host and device.
namespace quantscope {

/// Blocks are decoded in parts of so many values; those of 32 values have one part.
inline constexpr int ggml_part_values = 32;

/// Values 32 * part to 32 * part + 31 of a block. `grid` is the type's code book (kernels/formats/ggml_iq_grids.h);
/// types without one do not look at it. F32, F16 and BF16 have no blocks.
template <GgmlType type>
QUANTSCOPE_HOST_DEVICE constexpr void decode_ggml_part(const std::byte* block, int part, const std::uint16_t* grid,
                                                       float* values) {
  static_cast<void>(part);
  static_cast<void>(grid);
  if constexpr (type == GgmlType::q4_0) decode_q4_0_block(block, values);
  if constexpr (type == GgmlType::q4_1) decode_q4_1_block(block, values);
  if constexpr (type == GgmlType::q5_0) decode_q5_0_block(block, values);
  if constexpr (type == GgmlType::q5_1) decode_q5_1_block(block, values);
  if constexpr (type == GgmlType::q8_0) decode_q8_0_block(block, values);
  if constexpr (type == GgmlType::iq4_nl) decode_iq4_nl_block(block, values);
  if constexpr (type == GgmlType::mxfp4) decode_mxfp4_block(block, values);
  if constexpr (type == GgmlType::q2_k) decode_q2_k_part(block, part, values);
  if constexpr (type == GgmlType::q3_k) decode_q3_k_part(block, part, values);
  if constexpr (type == GgmlType::q4_k) decode_q4_k_part(block, part, values);
  if constexpr (type == GgmlType::q5_k) decode_q5_k_part(block, part, values);
  if constexpr (type == GgmlType::q6_k) decode_q6_k_part(block, part, values);
  if constexpr (type == GgmlType::iq4_xs) decode_iq4_xs_part(block, part, values);
  if constexpr (type == GgmlType::iq3_s) decode_iq3_s_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq3_xxs) decode_iq3_xxs_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq2_s) decode_iq2_s_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq2_xs) decode_iq2_xs_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq2_xxs) decode_iq2_xxs_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq1_m) decode_iq1_m_part(block, part, grid, values);
  if constexpr (type == GgmlType::iq1_s) decode_iq1_s_part(block, part, grid, values);
  if constexpr (type == GgmlType::tq2_0) decode_tq2_0_part(block, part, values);
  if constexpr (type == GgmlType::tq1_0) decode_tq1_0_part(block, part, values);
}

}  // namespace quantscope
