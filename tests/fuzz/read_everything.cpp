// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/read_everything.h"

#include <cstdlib>

#include "kernels/memory_checks.h"

namespace quantscope::fuzzing {

void read_everything(const Result<std::shared_ptr<const Checkpoint>>& checkpoint) {
  if (!checkpoint) {
    if (checkpoint.error().message.empty()) std::abort();
    return;
  }
  std::vector<float> values;
  MemoryLedger ledger;
  for (const TensorInfo& tensor : (*checkpoint)->tensors()) {
    values.resize(static_cast<std::size_t>(tensor.count()));
    if (!(*checkpoint)->decode_rows(tensor, 0, tensor.rows(), values)) std::abort();
    if (!tensor.quantized) continue;
    const auto stored = (*checkpoint)->read_stored(tensor, ledger, MemoryTag::codes);
    if (!stored || stored->format != *tensor.quantized || !check_parts(*stored)) std::abort();
  }
  if (!(*checkpoint)->fingerprint()) std::abort();
  (*checkpoint)->baseline_note();
}

}  // namespace quantscope::fuzzing
