// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/experiment/settings.h"
#include "core/model/model_plan.h"
#include "kernels/backend.h"
#include "kernels/memory_ledger.h"

namespace quantscope {

/// The model that others are compared with in the task kl. It runs before them, on the same device; only its head, its
/// final norm and its hidden states stay.
struct ResolvedKlBase {
  Settings settings;
  ModelPlan plan;               ///< every weight counted as workspace: it is no weight of the model that is measured
  MemoryRows forecast;          ///< bytes while its states are computed, these included; weights in their usual rows
  std::int64_t kept_bytes = 0;  ///< what stays of it; counted in the workspace of Resolved::forecast
};

/// The settings that really run.
struct Resolved {
  Settings settings;  ///< every optional filled
  ModelPlan plan;
  MemoryRows forecast;                    ///< bytes, for the context and batch asked for
  std::int64_t as_commonly_reported = 0;  ///< bytes: scales left out, unquantized weights at 16 bit
  std::int64_t quantized_values = 0;      ///< weights held in a quantized format
  double bits_per_quantized_weight = 0;   ///< codes and scales
  double bits_per_weight = 0;             ///< all weights
  std::vector<std::string> reasons;       ///< sentences: "what will really run" and why
  std::string summary;                    ///< one line for the window and the log
  std::string memory_warning;             ///< a sentence when the forecast is larger than the free memory, else empty
  std::optional<ResolvedKlBase> kl_base;  ///< when ResolveInput asked for one
};

/// A combination that cannot run.
struct Conflict {
  std::string field;          ///< "block_size"
  std::string why;            ///< a sentence
  std::string nearest_valid;  ///< a value of the field that works, or empty
};

/// The conflict as an error whose message names the nearest valid value and whose place is the field.
Error error_of(const Conflict& conflict);

/// Activation rows of a forward pass: enough to reuse decoded weights, small in memory.
inline constexpr std::int64_t default_batch_rows = 512;

struct KlBaseInput {
  Settings settings;         ///< device, threads and dispatch level are those of the run
  std::int64_t context = 0;  ///< tokens of a window
  std::int64_t scored = 0;   ///< positions whose hidden states are kept, of all windows
};

struct ResolveInput {
  std::int64_t context = 2048;                   ///< tokens in the KV cache, all sequences together
  std::int64_t batch_rows = default_batch_rows;  ///< activation rows of the largest forward pass
  std::optional<KlBaseInput> kl_base = {};
};

/// The one place that decides what runs. Pure: no files, no device calls. The types that weights are stored in come
/// from `stored`; for a plan it is empty and the description's stored_value_bytes decides.
tl::expected<Resolved, Conflict> resolve(const Settings& settings, const ModelDescription& model,
                                         std::span<const TensorInfo> stored, const DeviceDescription& device,
                                         const ResolveInput& input);

/// The device that settings ask for. "auto": the first GPU on which they resolve and fit into its memory, else the CPU,
/// which is the first of `devices`. A name that no device has: the CPU, for which `resolve` then refuses the settings.
/// Precondition: devices is not empty.
const DeviceDescription& device_for(const Settings& settings, const ModelDescription& model,
                                    std::span<const TensorInfo> stored, std::span<const DeviceDescription> devices,
                                    const ResolveInput& input);

/// The settings with another data type: the method, compute type and block settings that cannot stay beside it follow.
Settings with_type(Settings settings, DataType type);

/// The settings with another method: what cannot stay beside it follows.
Settings with_method(Settings settings, Method method);

/// For one control of the window: is each value of `field` possible beside the other settings, and if not why.
struct Choice {
  std::string value;
  bool enabled = true;
  std::string why_not;
};
/// Fields: method, type, block_size, double_quantization, weight_only_int8, compute, kv_type, scope, head, simd.
std::vector<Choice> choices(const Settings& settings, std::string_view field, const ModelDescription& model,
                            std::span<const TensorInfo> stored, const DeviceDescription& device);

}  // namespace quantscope
