// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/rounded_linear.h"

namespace quantscope {

const LinearKernel& kernel_for(const CpuContext& context, const Linear& linear) {
  const auto kind = static_cast<std::size_t>(as_cpu(*linear.weight).kind());
  return context.kernels().linear[kind][static_cast<std::size_t>(linear.compute)];
}

Result<void> pack_rows(CpuContext& context, const LinearKernel& kernel, const float* input, std::int64_t rows,
                       std::int64_t columns, std::byte* packed) {
  const std::int64_t row_bytes = padded_columns(kernel, columns) * kernel.element_bytes;
  constexpr std::int64_t rows_per_task = 8;
  return context.for_each((rows + rows_per_task - 1) / rows_per_task, [&](std::int64_t task, int) {
    const std::int64_t end = std::min(rows, (task + 1) * rows_per_task);
    for (std::int64_t row = task * rows_per_task; row < end; ++row) {
      kernel.pack(input + row * columns, columns, packed + row * row_bytes);
    }
  });
}

Result<std::unique_ptr<PreparedLinear>> RoundedLinear::create(CpuContext& context, const Linear& linear,
                                                              const std::byte* packed, std::int64_t rows,
                                                              Scratch WorkerScratch::*panel) {
  std::unique_ptr<RoundedLinear> prepared(new RoundedLinear());
  prepared->context_ = &context;
  prepared->weight_ = &as_cpu(*linear.weight);
  prepared->kernel_ = &kernel_for(context, linear);
  prepared->packed_ = packed;
  prepared->panel_ = panel;
  prepared->padded_ = padded_columns(*prepared->kernel_, linear.weight->columns);
  prepared->single_row_ = rows == 1;
  prepared->views_.resize(static_cast<std::size_t>(context.threads()));
  const std::int64_t outputs = tile_outputs(linear.weight->columns);
  auto factors = context.reserve_per_worker<float>(&WorkerScratch::factors, prepared->weight_->scratch_size(outputs));
  if (!factors) return tl::unexpected(factors.error());
  const std::int64_t panel_bytes = outputs * prepared->padded_ * prepared->kernel_->element_bytes;
  auto panels = context.reserve_per_worker<std::byte>(panel, panel_bytes);
  if (!panels) return tl::unexpected(panels.error());
  return prepared;
}

void RoundedLinear::begin_tile(std::int64_t first, std::int64_t count, int worker) {
  WorkerScratch& scratch = context_->worker(worker);
  CpuWeight::View& view = views_[static_cast<std::size_t>(worker)];
  view = weight_->view(first, count, scratch.factors.data<float>());
  if (!single_row_) kernel_->decode(view.rows, view.first, count, (scratch.*panel_).data<std::byte>());
}

void RoundedLinear::multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride,
                             int worker) {
  const std::byte* x = packed_ + first_row * padded_ * kernel_->element_bytes;
  const CpuWeight::View& view = views_[static_cast<std::size_t>(worker)];
  if (single_row_) return kernel_->multiply_row(view.rows, x, view.first, view.count, products);
  kernel_->multiply(x, rows, (context_->worker(worker).*panel_).data<std::byte>(), stride, padded_, products);
}

}  // namespace quantscope
