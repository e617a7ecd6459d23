// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/backend.h"

namespace quantscope {

std::int64_t KvShape::bytes() const {
  return 2 * layers * pages * page_tokens * kv_heads * head_dim * data_type_info(type).bits / 8;
}

LinearShape shape_of(const Linear& linear) {
  const Weight& weight = *linear.weight;
  return {weight.rows, weight.columns, weight.format, linear.compute, linear.activations, linear.bias != nullptr};
}

Result<void> Backend::reserve(const Workload& /*workload*/) { return {}; }

Result<void> Backend::run_pass(const PassKey& /*key*/, std::span<const std::int32_t> /*ids*/,
                               std::span<const SequenceRows> /*sequences*/, const KvStorage& /*storage*/,
                               const std::function<Result<void>()>& operations) {
  return operations();
}

}  // namespace quantscope
