// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "core/model/decoder.h"
#include "kernels/progress.h"

namespace quantscope {

struct SpeedOptions {
  std::int64_t prompt_tokens = 512;
  std::int64_t generated_tokens = 64;
  int repetitions = 5;
};

/// Median with minimum and maximum of the repetitions.
struct Spread {
  double median = 0;
  double minimum = 0;
  double maximum = 0;
};

struct SpeedResult {
  SpeedOptions options;
  Spread prompt_tokens_per_second;
  Spread generation_tokens_per_second;
  Spread time_to_first_token;   ///< seconds: the whole prompt and the first choice
  double load_seconds = 0;      ///< reading, quantizing and placing all weights, once
  double quantize_seconds = 0;  ///< of these, reading and encoding the weights whose codes were found here
  /// What one step of generation must read at least: every weight but the rows of an untied embedding, and the keys and
  /// values of half the generated positions more than the prompt.
  std::int64_t bytes_per_token = 0;
  double memory_bandwidth = 0;  ///< measured on this machine just before, bytes a second; 0 = not measured

  /// Of generation: bytes_per_token * tokens per second / memory_bandwidth; zeros where that was not measured.
  Spread bandwidth_share() const;
};

/// bytes_per_token of a result.
std::int64_t bytes_per_generated_token(const Decoder& decoder, const SpeedOptions& options);

/// One warm-up, then the repetitions; prompt and generation are timed apart, each until the device has finished. Prompt
/// ids are a fixed pseudo-random pattern, generation follows the greedy choice and does not stop at end tokens.
Result<SpeedResult> measure_speed(Decoder& decoder, const SpeedOptions& options, const ProgressFn& progress,
                                  std::stop_token stop);

}  // namespace quantscope
