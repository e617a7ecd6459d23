// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/formats/data_type.h"
#include "kernels/quantized_tensor.h"

/// What running a model will ask of a device, from shapes alone: known before anything is loaded, so that the memory
/// which operations need for themselves can be forecast and reserved.
namespace quantscope {

/// What a linear does with its input.
enum class ActivationMode : std::uint8_t {
  rounded,        ///< rounded to the compute type
  int8_outliers,  ///< LLM.int8(): per-token 8 bits, columns with |x| >= threshold in the compute type
};

/// A linear without its values.
struct LinearShape {
  std::int64_t rows = 0;     ///< output features
  std::int64_t columns = 0;  ///< input features
  WeightFormat format;
  ComputeType compute = ComputeType::fp32;
  ActivationMode activations = ActivationMode::rounded;
  bool bias = false;

  bool operator==(const LinearShape&) const = default;
};

/// One fused operation of Backend that multiplies.
struct OperationShape {
  enum class Kind : std::uint8_t { norm_linears, norm_gate_up, linear_add, linear_norm_add, head, head_pair };
  Kind kind = Kind::norm_linears;
  std::vector<LinearShape> linears;

  bool operator==(const OperationShape&) const = default;
};

struct Workload {
  std::int64_t batch_rows = 0;  ///< activation rows of the largest forward pass
  std::int64_t context = 0;     ///< positions that one sequence may reach
  std::int64_t page_tokens = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  bool query_key_norm = false;
  std::int64_t vector_values = 0;          ///< of all weights of one row: norms and biases
  std::vector<OperationShape> operations;  ///< each shape once
};

}  // namespace quantscope
