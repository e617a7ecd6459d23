// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_writer.h"
#include "kernels/backend.h"
#include "kernels/progress.h"

namespace quantscope {

/// The types that the weights of a GGUF file are to have. Where a type's blocks do not fit the rows of a weight, the
/// next larger one that does takes its place (Q4_K: Q5_0, Q6_K: Q8_0, all others: F16), as in llama.cpp.
struct GgufTypes {
  std::optional<GgmlType> linears;    ///< nothing: as the checkpoint stores each weight
  std::optional<GgmlType> embedding;  ///< and head; nothing: the type of the linears, or Q8_0 where that has fewer bits
};

/// A tensor of the file and how it is written.
struct GgufPlanEntry {
  std::vector<WeightSlot> slots;  ///< whose rows follow one another: q, k and v, or gate and up, where they are fused
  GgufTensor tensor;
  bool copied = false;  ///< blocks of the checkpoint as they are
};

/// All tensors in the order of weight_slots(). Fails with unsupported for models that GGUF does not describe
/// (gguf_model_pairs.h), and for stored types that GGUF does not have, with the types that it has.
Result<std::vector<GgufPlanEntry>> plan_gguf(const Checkpoint& checkpoint, const GgufTypes& types);

/// Writes the model as one GGUF file, whole or not at all. Weights are read in tiles of rows; beside what the backend
/// needs for one tile of 32 MiB nothing is held, but for a copied weight its blocks. Where llama.cpp wants it, Q and K
/// rows are interleaved, projections fused and norms stored without their offset. A vocabulary smaller than the
/// embedding is filled with unused tokens; an empty one is left out. Encoding runs on `backend`, which must be one that
/// knows GGUF's types (the CPU).
Result<void> write_gguf(const Checkpoint& checkpoint, const GgufVocabulary& vocabulary, const GgufTypes& types,
                        Backend& backend, const std::filesystem::path& path, const ProgressFn& progress,
                        std::stop_token stop);

}  // namespace quantscope
