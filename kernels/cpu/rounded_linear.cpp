// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/rounded_linear.h"

namespace quantscope {

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

RoundedLinear::RoundedLinear(CpuContext& context, const Linear& linear, const LinearKernel& kernel,
                             const std::byte* packed, std::int64_t rows, WorkerScratch panel)
    : context_(context),
      weight_(as_cpu(*linear.weight)),
      kernel_(kernel),
      packed_(packed),
      panel_(panel),
      padded_(padded_columns(kernel, linear.weight->columns)),
      single_row_(rows == 1),
      views_(static_cast<std::size_t>(context.threads())) {}

void RoundedLinear::begin_tile(std::int64_t first, std::int64_t count, int worker) {
  CpuWeight::View& view = views_[static_cast<std::size_t>(worker)];
  view = weight_.view(first, count, context_.worker_scratch<float>(worker, WorkerScratch::factors));
  if (single_row_) return;
  kernel_.decode(view.rows, view.first, count, context_.worker_scratch<std::byte>(worker, panel_));
}

void RoundedLinear::multiply(std::int64_t first_row, std::int64_t rows, float* products, std::int64_t stride,
                             int worker) {
  const std::byte* x = packed_ + first_row * padded_ * kernel_.element_bytes;
  const CpuWeight::View& view = views_[static_cast<std::size_t>(worker)];
  if (single_row_) return kernel_.multiply_row(view.rows, x, view.first, view.count, products);
  kernel_.multiply(x, rows, context_.worker_scratch<std::byte>(worker, panel_), stride, padded_, products);
}

}  // namespace quantscope
