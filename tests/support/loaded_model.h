// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resolve.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "kernels/backend.h"

namespace quantscope::testing {

/// A checkpoint quantized and ready to run; throws std::runtime_error with the program's own sentence on failure.
struct LoadedModel {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::unique_ptr<Backend> backend;
  Resolved resolved;
  std::unique_ptr<Model> model;
  std::unique_ptr<Decoder> decoder;

  /// `configuration` as users type it: "nf4:compute=fp32,threads=1,simd=scalar".
  static LoadedModel load(const std::filesystem::path& path, const std::string& configuration,
                          std::int64_t context = 1024, std::int64_t batch_rows = 512);

  /// Logits [ids.size(), vocabulary] from an empty cache.
  std::vector<float> logits(std::span<const std::int32_t> ids);
};

/// The value, or an exception with the error's sentence.
template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace quantscope::testing
