// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/kv_storage.h"

#include <cstring>
#include <utility>

#include "kernels/formats/half.h"
#include "kernels/memory_checks.h"

namespace quantscope {
namespace {
template <class T, class Convert>
void put_head(std::byte* keys, std::byte* values, const KvShape& shape, std::int64_t token, const float* key,
              const float* value, const Convert& convert) {
  T* key_column = reinterpret_cast<T*>(keys) + token;
  T* value_row = reinterpret_cast<T*>(values) + token * shape.head_dim;
  for (std::int64_t d = 0; d < shape.head_dim; ++d) {
    key_column[d * shape.page_tokens] = convert(key[d]);
    value_row[d] = convert(value[d]);
  }
}
}  // namespace

Result<std::unique_ptr<CpuKvStorage>> CpuKvStorage::create(MemoryLedger& ledger, const KvShape& shape) {
  if (auto valid = check_kv_shape(shape); !valid) return tl::unexpected(valid.error());
  auto memory = TaggedBuffer::allocate(ledger, MemoryTag::kv_cache, static_cast<std::size_t>(shape.bytes()));
  if (!memory) return tl::unexpected(memory.error());
  auto storage = std::make_unique<CpuKvStorage>();
  storage->shape = shape;
  storage->element_bytes_ = data_type_info(shape.type).bits / 8;
  storage->memory_ = std::move(*memory);
  return storage;
}

void CpuKvStorage::put(std::int64_t layer, std::int32_t page, std::int64_t kv_head, std::int64_t token,
                       const float* key, const float* value) {
  std::byte* keys = memory_.data() + offset(layer, page, kv_head);
  std::byte* values = keys + half_page_bytes();
  if (shape.type == DataType::fp32) {
    put_head<float>(keys, values, shape, token, key, value, [](float x) { return x; });
  } else if (shape.type == DataType::fp16) {
    put_head<std::uint16_t>(keys, values, shape, token, key, value, fp32_to_fp16);
  } else {
    put_head<std::uint16_t>(keys, values, shape, token, key, value, fp32_to_bf16);
  }
}

void CpuKvStorage::copy_page(std::int32_t from, std::int32_t to) {
  const auto bytes = static_cast<std::size_t>(shape.kv_heads * 2 * half_page_bytes());
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    std::memcpy(memory_.data() + offset(layer, to, 0), memory_.data() + offset(layer, from, 0), bytes);
  }
}

}  // namespace quantscope
