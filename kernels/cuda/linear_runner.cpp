// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/linear_runner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/cuda/decode_kernels.h"
#include "kernels/cuda/head_kernels.h"
#include "kernels/cuda/linear_scratch.h"
#include "kernels/operation_checks.h"

namespace quantscope::cuda {
namespace {
Result<void> check_int8(const Weight& weight) {
  if (weight.format != int8_row_format()) {
    return fail(ErrorCode::invalid_argument, "LLM.int8() needs INT8 weights with one scale per row; choose int8.");
  }
  if (weight.columns > largest_int8_columns) {
    return fail(ErrorCode::unsupported, "LLM.int8() sums overflow at " + std::to_string(weight.columns) +
                                            " input features; choose another format for this weight.");
  }
  return {};
}

const float* bias_of(const Linear& linear) { return linear.bias == nullptr ? nullptr : as_cuda(*linear.bias).vector(); }
}  // namespace

Result<std::unique_ptr<LinearRunner>> LinearRunner::create(Device& device, ScratchSet& scratch) {
  std::unique_ptr<LinearRunner> runner(new LinearRunner(device, scratch));
  auto library = MatrixLibrary::create(device);
  if (!library) return tl::unexpected(library.error());
  runner->library_ = std::move(*library);
  return runner;
}

void LinearRunner::begin(const LinearInput& input) {
  input_ = input;
  narrow_ = nullptr;
  wide_ = nullptr;
}

LinearPath LinearRunner::path_of(const Linear& linear) const {
  return choose_path(as_cuda(*linear.weight).view(), input_.rows, linear.compute, linear.activations,
                     device_.shape().capability);
}

Result<void> LinearRunner::multiply(const Linear& linear, const ProductTarget& target) {
  return multiply_on(path_of(linear), linear, target);
}

Result<void> LinearRunner::multiply_on(LinearPath path, const Linear& linear, const ProductTarget& target) {
  if (device_.stop_token().stop_requested()) return cancelled();
  if (auto valid = check_bias(linear); !valid) return valid;
  switch (path) {
    case LinearPath::few_rows: return multiply_few_rows(linear, target);
    case LinearPath::library: return multiply_in_library(linear, target);
    case LinearPath::int8_warps: return multiply_int8(linear, target, false);
    case LinearPath::int8_library: return multiply_int8(linear, target, true);
    case LinearPath::warps: break;
  }
  const auto values = wide(linear.compute);
  if (!values) return tl::unexpected(values.error());
  const ProductArguments product{*values,         input_.rows,    as_cuda(*linear.weight).view(),
                                 bias_of(linear), linear.compute, target};
  return device_.queued(multiply_rounded(device_.stream(), product), "a linear");
}

Result<const std::uint16_t*> LinearRunner::narrow(ComputeType compute) {
  if (narrow_ != nullptr && narrow_type_ == compute) return narrow_;
  const auto memory = reserve<std::uint16_t>(ScratchUse::narrow_input, input_.rows * input_.columns);
  if (!memory) return tl::unexpected(memory.error());
  const PrepareArguments arguments{input_.values,  input_.picked,      input_.rows, input_.columns, input_.norm,
                                   input_.epsilon, input_.norm_offset, compute,     *memory,        nullptr};
  const cudaError_t status = prepare_rows(device_.stream(), arguments);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "a norm"));
  narrow_ = *memory;
  narrow_type_ = compute;
  return narrow_;
}

Result<const float*> LinearRunner::wide(ComputeType compute) {
  if (wide_ != nullptr && wide_type_ == compute) return wide_;
  const auto memory = reserve<float>(ScratchUse::wide_input, input_.rows * input_.columns);
  if (!memory) return tl::unexpected(memory.error());
  const PrepareArguments arguments{input_.values,  input_.picked,      input_.rows, input_.columns, input_.norm,
                                   input_.epsilon, input_.norm_offset, compute,     nullptr,        *memory};
  const cudaError_t status = prepare_rows(device_.stream(), arguments);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "a norm"));
  wide_ = *memory;
  wide_type_ = compute;
  return wide_;
}

Result<const float*> LinearRunner::values() {
  if (input_.norm == nullptr && input_.picked == nullptr) return input_.values;
  const auto memory = reserve<float>(ScratchUse::normalized, input_.rows * input_.columns);
  if (!memory) return tl::unexpected(memory.error());
  const PrepareArguments arguments{input_.values,  input_.picked,      input_.rows,       input_.columns, input_.norm,
                                   input_.epsilon, input_.norm_offset, ComputeType::fp32, nullptr,        *memory};
  const cudaError_t status = prepare_rows(device_.stream(), arguments);
  if (status != cudaSuccess) return tl::unexpected(error_of(status, "a norm"));
  return *memory;
}

bool LinearRunner::fuse(std::span<const Linear* const> linears) const {
  const Linear& first = *linears.front();
  return std::ranges::all_of(linears, [&](const Linear* linear) {
    return linear->compute == first.compute && linear->weight->format == first.weight->format &&
           path_of(*linear) == LinearPath::few_rows && input_.rows <= rows_per_group;
  });
}

Result<FewRowsArguments> LinearRunner::few_rows_arguments(std::span<const Linear* const> linears, std::int64_t first,
                                                          std::int64_t count) {
  FewRowsArguments arguments;
  arguments.part_count = static_cast<int>(linears.size());
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (auto valid = check_bias(*linears[i]); !valid) return tl::unexpected(valid.error());
    arguments.parts[i].weight = as_cuda(*linears[i]->weight).view();
    arguments.parts[i].bias = bias_of(*linears[i]);
    arguments.parts[i].outputs = static_cast<int>(linears[i]->weight->rows);
    arguments.parts[i].stride = linears[i]->weight->rows;
  }
  arguments.compute = linears.front()->compute;
  arguments.rows = static_cast<int>(count);
  if (few_rows_prepares(arguments.parts[0].weight, input_.rows)) {
    arguments.source = input_.values;
    arguments.picked = input_.picked;
    arguments.norm = input_.norm;
    arguments.epsilon = input_.epsilon;
    arguments.norm_offset = input_.norm_offset;
    return arguments;
  }
  const auto prepared = narrow(arguments.compute);
  if (!prepared) return tl::unexpected(prepared.error());
  arguments.prepared = *prepared + first * input_.columns;
  return arguments;
}

Result<void> LinearRunner::multiply_fused(std::span<const Linear* const> linears, std::span<float* const> outputs,
                                          FewRowsResult result, GateActivation activation) {
  auto arguments = few_rows_arguments(linears, 0, input_.rows);
  if (!arguments) return tl::unexpected(arguments.error());
  arguments->result = result;
  arguments->activation = activation;
  for (std::size_t i = 0; i < outputs.size(); ++i) arguments->parts[i].output = outputs[i];
  return device_.queued(cuda::multiply_few_rows(device_.stream(), *arguments, device_.shape().multiprocessors),
                        "a linear");
}

Result<void> LinearRunner::find_best(const Linear& head, BestTwo* best) {
  const Linear* const one = &head;
  auto arguments = few_rows_arguments({&one, 1}, 0, input_.rows);
  if (!arguments) return tl::unexpected(arguments.error());
  arguments->result = FewRowsResult::best;
  const std::int64_t blocks = few_rows_blocks(*arguments, device_.shape().multiprocessors);
  const auto parts = reserve<BestTwo>(ScratchUse::best_parts, input_.rows * blocks);
  if (!parts) return tl::unexpected(parts.error());
  arguments->best = *parts;
  cudaError_t status = cuda::multiply_few_rows(device_.stream(), *arguments, device_.shape().multiprocessors);
  if (status == cudaSuccess) status = combine_best(device_.stream(), *parts, input_.rows, blocks, best);
  return device_.queued(status, "the head");
}

Result<void> LinearRunner::multiply_few_rows(const Linear& linear, const ProductTarget& target) {
  const Linear* const one = &linear;
  for (std::int64_t first = 0; first < input_.rows; first += rows_per_group) {
    auto arguments = few_rows_arguments({&one, 1}, first, std::min(rows_per_group, input_.rows - first));
    if (!arguments) return tl::unexpected(arguments.error());
    arguments->result = target.add ? FewRowsResult::add : FewRowsResult::store;
    FewRowsPart& part = arguments->parts[0];
    part.first_row = static_cast<int>(target.first_output);
    part.outputs = static_cast<int>(target.outputs);
    if (part.bias != nullptr) part.bias += target.first_output;
    part.stride = target.stride;
    part.output = target.values + first * target.stride;
    auto done = device_.queued(cuda::multiply_few_rows(device_.stream(), *arguments, device_.shape().multiprocessors),
                               "a linear");
    if (!done) return done;
  }
  return {};
}

Result<void> LinearRunner::multiply_in_library(const Linear& linear, const ProductTarget& target) {
  const WeightView& weight = as_cuda(*linear.weight).view();
  const bool is_narrow = narrow_operands(linear.compute, device_.shape().capability);
  const ComputeType operands = is_narrow ? linear.compute : ComputeType::fp32;
  MatrixLibrary::Product product;
  product.rows = input_.rows;
  product.columns = input_.columns;
  product.stride = target.stride;
  product.add = target.add;
  if (is_narrow) {
    const auto x = narrow(linear.compute);
    if (!x) return tl::unexpected(x.error());
    product.x = *x;
  } else {
    const auto x = wide(linear.compute);
    if (!x) return tl::unexpected(x.error());
    product.x = *x;
  }
  const std::int64_t size = is_narrow ? 2 : 4;
  const bool as_stored = is_operand(weight, operands, linear.compute);
  const std::int64_t tile =
      as_stored ? target.outputs : decoded_tile(device_.shape(), weight.columns, target.outputs, size);
  for (std::int64_t n = 0; n < target.outputs; n += tile) {
    if (device_.stop_token().stop_requested()) return cancelled();
    product.outputs = std::min(tile, target.outputs - n);
    product.y = target.values + n;
    const std::int64_t first = target.first_output + n;
    if (as_stored) {
      product.w = static_cast<const std::byte*>(weight.codes) + first * weight.columns * size;
    } else {
      const auto memory = reserve<std::byte>(ScratchUse::decoded_weight, tile * weight.columns * size);
      if (!memory) return tl::unexpected(memory.error());
      product.w = *memory;
      const cudaError_t status = decode_operand(
          device_.stream(), {weight, nullptr, first, product.outputs, linear.compute, is_narrow, *memory});
      if (status != cudaSuccess) return device_.queued(status, "decoding a weight");
    }
    if (auto done = library_->multiply(product, operands); !done) return done;
  }
  if (linear.bias == nullptr) return {};
  return device_.queued(add_bias(device_.stream(), target.values, target.stride, input_.rows, target.outputs,
                                 bias_of(linear) + target.first_output),
                        "a linear");
}

Result<void> LinearRunner::prepare_int8(const Linear& linear) {
  if (auto valid = check_int8(*linear.weight); !valid) return valid;
  const std::int64_t rows = input_.rows;
  const std::int64_t columns = input_.columns;
  const auto source = values();
  if (!source) return tl::unexpected(source.error());
  const auto codes = reserve<std::int8_t>(ScratchUse::int8_codes, rows * columns);
  if (!codes) return tl::unexpected(codes.error());
  const auto outliers = reserve<std::int32_t>(ScratchUse::outliers, rows * columns);
  if (!outliers) return tl::unexpected(outliers.error());
  const auto counts = reserve<std::int32_t>(ScratchUse::outlier_counts, rows);
  if (!counts) return tl::unexpected(counts.error());
  const auto absmax = reserve<float>(ScratchUse::int8_absmax, rows);
  if (!absmax) return tl::unexpected(absmax.error());
  const auto shared = reserve<std::uint8_t>(ScratchUse::outlier_columns, columns);
  if (!shared) return tl::unexpected(shared.error());
  const bool per_call = linear.outlier_scope == OutlierScope::call;
  int8_rows_ = {*codes, *absmax, *outliers, *counts, per_call ? *shared : nullptr};
  return device_.queued(
      encode_int8_rows(device_.stream(), {*source, rows, columns, linear.outlier_threshold, int8_rows_}), "LLM.int8()");
}

Result<void> LinearRunner::multiply_int8(const Linear& linear, const ProductTarget& target, bool library) {
  if (auto ready = prepare_int8(linear); !ready) return ready;
  const auto x = wide(linear.compute);
  if (!x) return tl::unexpected(x.error());
  ProductArguments product{*x, input_.rows, as_cuda(*linear.weight).view(), bias_of(linear), linear.compute, target};
  if (!library) {
    return device_.queued(cuda::multiply_int8(device_.stream(), product, int8_rows_, nullptr), "LLM.int8()");
  }
  const std::int64_t columns = input_.columns;
  const std::int64_t tile = integer_tile(input_.rows, target.outputs);
  for (std::int64_t n = 0; n < target.outputs; n += tile) {
    product.target.outputs = std::min(tile, target.outputs - n);
    product.target.first_output = target.first_output + n;
    product.target.values = target.values + n;
    const auto integers = reserve<std::int32_t>(ScratchUse::integers, input_.rows * tile);
    if (!integers) return tl::unexpected(integers.error());
    const auto* const codes =
        static_cast<const std::int8_t*>(product.weight.codes) + product.target.first_output * columns;
    MatrixLibrary::Product bytes{int8_rows_.codes,       codes, *integers, input_.rows, columns, product.target.outputs,
                                 product.target.outputs, false};
    if (auto done = library_->multiply_int8(bytes); !done) return done;
    auto done = device_.queued(cuda::multiply_int8(device_.stream(), product, int8_rows_, *integers), "LLM.int8()");
    if (!done) return done;
  }
  return {};
}

}  // namespace quantscope::cuda
