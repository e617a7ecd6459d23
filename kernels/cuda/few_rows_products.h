// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/head_parts.h"
#include "kernels/cuda/weight_view.h"
#include "kernels/gate_activation.h"

/// Products of a few rows with weights that are read once, decoded in registers and multiplied by tensor cores: what a
/// step of generation consists of. Operands are those of the compute type, sums are fp32 in an order that depends on
/// the weight's columns alone. So a row's result does not depend on the rows beside it.
namespace quantscope::cuda {

/// More rows are multiplied in groups of so many.
inline constexpr std::int64_t rows_per_group = 32;
/// Matrices of one launch.
inline constexpr int largest_part_count = 3;

/// Rows of a matrix and where their products go: row m, output n lies at output[m * stride + n].
struct FewRowsPart {
  WeightView weight;
  int first_row = 0;            ///< of the weight, for output 0
  int outputs = 0;              ///< how many rows of the weight
  const float* bias = nullptr;  ///< of output 0; null when there is none
  float* output = nullptr;
  std::int64_t stride = 0;
};

/// What becomes of the products.
enum class FewRowsResult : std::uint8_t {
  store,
  add,   ///< to what is there
  gate,  ///< output of part 0 = activation(product of part 0) * product of part 1
  best,  ///< only the two best outputs of each row are kept; one part, at most eight rows
};

struct FewRowsArguments {
  FewRowsPart parts[largest_part_count];  ///< equal columns, formats and, for gate, outputs
  int part_count = 1;
  FewRowsResult result = FewRowsResult::store;
  GateActivation activation = GateActivation::silu;
  ComputeType compute = ComputeType::bf16;
  int rows = 1;
  /// [rows, columns] rounded to the compute type; null when the kernel itself prepares its one row from `source`.
  const std::uint16_t* prepared = nullptr;
  const float* source = nullptr;         ///< fp32 rows
  const std::int32_t* picked = nullptr;  ///< which row of source it is; null for the first
  const float* norm = nullptr;           ///< weights of the norm; null when the row is only rounded
  float epsilon = 0.0F;
  float norm_offset = 0.0F;  ///< added to each weight of the norm
  BestTwo* best = nullptr;   ///< [rows, few_rows_blocks()]
};

/// Whether the tensor-core kernel can read this weight (the GPU must have sm_80).
bool few_rows_fits(const WeightView& weight);
/// Whether the kernel itself prepares so many rows.
bool few_rows_prepares(const WeightView& weight, std::int64_t rows);
/// Blocks of a launch on a GPU of so many multiprocessors.
std::int64_t few_rows_blocks(const FewRowsArguments& arguments, int multiprocessors);
/// Precondition: few_rows_fits() for every part, and few_rows_prepares() where nothing is prepared.
cudaError_t multiply_few_rows(cudaStream_t stream, const FewRowsArguments& arguments, int multiprocessors);

}  // namespace quantscope::cuda
