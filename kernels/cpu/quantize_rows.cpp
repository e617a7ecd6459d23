// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/quantize_rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/quantize_rows_kernels.h"
#include "kernels/cpu/reference/encode.h"
#include "kernels/formats/int8.h"
#include "kernels/formats/levels.h"

namespace quantscope {
namespace {
// Small enough that a tile is still in the cache when it is encoded, large enough to keep many threads busy.
constexpr std::int64_t tile_bytes = std::int64_t{4} << 20;
constexpr std::int64_t task_values = std::int64_t{1} << 15;

std::int64_t whole_spans(std::int64_t count) { return count - count % encode_span; }

/// Null for the plain loops.
const EncodeKernels* find_kernels([[maybe_unused]] EncodeLevel level) {
#if defined(__x86_64__)
  if (level == EncodeLevel::avx2) return &avx2_encode_kernels();
  if (level == EncodeLevel::avx512) return &avx512_encode_kernels();
#endif
  return nullptr;
}

auto find_block_encoder(const EncodeKernels& kernels, Levels levels) {
  if (levels == Levels::int4) return kernels.encode_int4;
  return levels == Levels::nf4 ? kernels.encode_nf4 : kernels.encode_fp4;
}

void encode_blocks(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax,
                   const EncodeKernels& kernels) {
  const Levels levels = tensor.format.levels;
  const auto encode = find_block_encoder(kernels, levels);
  const auto block_size = static_cast<std::size_t>(tensor.format.block_size);
  for (std::size_t at = 0; at < values.size(); at += block_size) {
    const auto block = values.subspan(at, std::min(block_size, values.size() - at));
    const std::size_t position = static_cast<std::size_t>(first) + at;
    const float scale = kernels.block_absmax(block.data(), static_cast<std::int64_t>(block.size()));
    absmax[position / block_size] = scale;
    std::byte* packed = tensor.codes.data() + position / 2;
    const std::int64_t fast = is_ordinary_absmax(scale) ? whole_spans(static_cast<std::int64_t>(block.size())) : 0;
    if (fast > 0) encode(block.data(), fast, block_divisor(levels, scale), reinterpret_cast<std::uint8_t*>(packed));
    const auto rest = block.subspan(static_cast<std::size_t>(fast));
    if (!rest.empty()) reference::encode_block(levels, rest, scale, packed + fast / 2);
  }
}

void encode_row(std::span<const float> values, std::int8_t* codes, float& absmax, const EncodeKernels& kernels) {
  const std::int64_t fast = whole_spans(static_cast<std::int64_t>(values.size()));
  const auto rest = values.subspan(static_cast<std::size_t>(fast));
  absmax = kernels.int8_absmax(values.data(), fast);
  for (const float value : rest) {
    const float size = magnitude(int8_source(value));
    absmax = size > absmax ? size : absmax;
  }
  const float multiplier = int8_multiplier(absmax);
  kernels.encode_int8(values.data(), fast, multiplier, codes);
  for (std::size_t i = 0; i < rest.size(); ++i) codes[fast + i] = encode_int8(int8_source(rest[i]), multiplier);
}

void encode_rows(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax,
                 const EncodeKernels& kernels) {
  const auto columns = static_cast<std::size_t>(tensor.columns);
  for (std::size_t at = 0; at < values.size(); at += columns) {
    const std::size_t position = static_cast<std::size_t>(first) + at;
    encode_row(values.subspan(at, columns), tensor.codes.as<std::int8_t>().data() + position,
               absmax[position / columns], kernels);
  }
}

void encode_dense(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor,
                  const EncodeKernels& kernels) {
  if (tensor.format.code_type == CodeType::float32) {
    std::memcpy(tensor.codes.as<float>().data() + first, values.data(), values.size_bytes());
    return;
  }
  const auto convert = tensor.format.code_type == CodeType::float16 ? kernels.to_fp16 : kernels.to_bf16;
  const std::int64_t fast = whole_spans(static_cast<std::int64_t>(values.size()));
  convert(values.data(), fast, tensor.codes.as<std::uint16_t>().data() + first);
  reference::encode_values(values.subspan(static_cast<std::size_t>(fast)), first + fast, tensor, {});
}

bool is_supported(const WeightFormat& format) {
  if (format.code_type == CodeType::ggml_blocks) return ggml_type_info(format.ggml_type).can_encode;
  switch (format.scale_layout) {
    case ScaleLayout::none: return format.levels == Levels::identity && format.code_type <= CodeType::bfloat16;
    case ScaleLayout::per_row: return format.levels == Levels::int8 && format.code_type == CodeType::signed8;
    case ScaleLayout::flat_blocks:
      return format.code_type == CodeType::packed4 && format.block_size > 0 && format.block_size % 2 == 0 &&
             (format.levels == Levels::nf4 || format.levels == Levels::fp4 || format.levels == Levels::int4);
    case ScaleLayout::row_groups:
    case ScaleLayout::whole:
    case ScaleLayout::tiles: break;
  }
  return false;
}

/// Values that must be encoded together: what shares a scale.
std::int64_t values_per_scale(const QuantizeRequest& request) {
  if (request.format.code_type == CodeType::ggml_blocks) return ggml_type_info(request.format.ggml_type).block_values;
  if (request.format.scale_layout == ScaleLayout::none) return 1;
  return request.format.scale_layout == ScaleLayout::per_row ? request.columns : request.format.block_size;
}

void encode_in_parallel(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor,
                        std::span<float> absmax, const QuantizeRequest& request, const ParallelFor& parallel_for) {
  const std::int64_t unit = values_per_scale(request);
  const auto task = static_cast<std::size_t>(std::max<std::int64_t>(1, task_values / unit) * unit);
  parallel_for(static_cast<std::int64_t>((values.size() + task - 1) / task), [&](std::int64_t index) {
    const std::size_t begin = static_cast<std::size_t>(index) * task;
    encode_values(values.subspan(begin, std::min(task, values.size() - begin)),
                  first + static_cast<std::int64_t>(begin), tensor, absmax, request.level);
  });
}

/// Reads tile after tile. Values whose block continues in the next tile are carried over to its front.
Result<void> encode_tiles(const RowReader& source, const QuantizeRequest& request, MemoryLedger& ledger,
                          QuantizedTensor& tensor, std::span<float> absmax, const ParallelFor& parallel_for,
                          const std::stop_token& stop) {
  const std::int64_t unit = values_per_scale(request);
  const std::int64_t tile_rows = std::clamp<std::int64_t>(tile_bytes / 4 / request.columns, 1, request.rows);
  const std::int64_t capacity = tile_rows * request.columns + unit;
  auto buffer = TaggedBuffer::allocate(ledger, MemoryTag::workspace, static_cast<std::size_t>(4 * capacity));
  if (!buffer) return tl::unexpected(buffer.error());
  const std::span<float> values = buffer->as<float>();
  std::int64_t carried = 0, encoded = 0;
  for (std::int64_t row = 0; row < request.rows; row += tile_rows) {
    if (stop.stop_requested()) return cancelled();
    const std::int64_t rows = std::min(tile_rows, request.rows - row), fresh = rows * request.columns;
    auto read = source(row, rows, values.subspan(static_cast<std::size_t>(carried), static_cast<std::size_t>(fresh)));
    if (!read) return read;
    const std::int64_t available = carried + fresh;
    const std::int64_t ready = row + rows == request.rows ? available : available - available % unit;
    encode_in_parallel(values.first(static_cast<std::size_t>(ready)), encoded, tensor, absmax, request, parallel_for);
    carried = available - ready;
    encoded += ready;
    std::memmove(values.data(), values.data() + ready, static_cast<std::size_t>(4 * carried));
  }
  return {};
}
}  // namespace

EncodeLevel best_encode_level() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return EncodeLevel::avx512;
  // F16C is older than AVX2: no CPU has the second without the first.
  if (__builtin_cpu_supports("avx2")) return EncodeLevel::avx2;
#endif
  return EncodeLevel::scalar;
}

void encode_values(std::span<const float> values, std::int64_t first, QuantizedTensor& tensor, std::span<float> absmax,
                   EncodeLevel level) {
  const EncodeKernels* kernels = find_kernels(level);
  if (kernels == nullptr || tensor.format.code_type == CodeType::ggml_blocks)
    return reference::encode_values(values, first, tensor, absmax);
  switch (tensor.format.scale_layout) {
    case ScaleLayout::none: encode_dense(values, first, tensor, *kernels); break;
    case ScaleLayout::per_row: encode_rows(values, first, tensor, absmax, *kernels); break;
    case ScaleLayout::flat_blocks: encode_blocks(values, first, tensor, absmax, *kernels); break;
    case ScaleLayout::row_groups:
    case ScaleLayout::whole:
    case ScaleLayout::tiles: break;
  }
}

Result<QuantizedTensor> quantize_matrix(const RowReader& source, const QuantizeRequest& request, MemoryLedger& ledger,
                                        const ParallelFor& parallel_for, std::stop_token stop) {
  if (!is_supported(request.format))
    return fail(
        ErrorCode::unsupported,
        "The CPU quantizer knows dense types, 4-bit blocks of even size, INT8 rows and the GGUF types F16, BF16, "
        "Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, Q4_K and Q6_K; choose one of these.");
  auto tensor = QuantizedTensor::allocate(ledger, request.rows, request.columns, request.format, request.codes_tag);
  if (!tensor) return tensor;
  const bool nested = request.format.nested_scales;
  const std::int64_t scales = nested ? scale_count(request.format, request.rows, request.columns) : 0;
  auto plain = TaggedBuffer::allocate(ledger, MemoryTag::workspace, static_cast<std::size_t>(4 * scales));
  if (!plain) return tl::unexpected(plain.error());
  const std::span<float> absmax = nested ? plain->as<float>() : tensor->scales.as<float>();
  auto encoded = encode_tiles(source, request, ledger, *tensor, absmax, parallel_for, stop);
  if (!encoded) return tl::unexpected(encoded.error());
  if (nested) reference::encode_absmax(absmax, *tensor);
  return tensor;
}

}  // namespace quantscope
