// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "kernels/backend.h"

namespace quantscope {

/// fp32 rows in host memory, counted as workspace.
class CpuBuffer final : public Buffer {
 public:
  /// Fails with invalid_argument on an impossible shape, with out_of_memory when it does not fit.
  static Result<std::unique_ptr<CpuBuffer>> create(MemoryLedger& ledger, std::int64_t row_capacity,
                                                   std::int64_t columns);
  float* values() { return memory_.as<float>().data(); }
  const float* values() const { return memory_.as<float>().data(); }

 private:
  TaggedBuffer memory_;
};

/// Precondition: the buffer was made by this device.
inline float* values_of(Buffer& buffer) { return static_cast<CpuBuffer&>(buffer).values(); }
inline const float* values_of(const Buffer& buffer) { return static_cast<const CpuBuffer&>(buffer).values(); }

}  // namespace quantscope
