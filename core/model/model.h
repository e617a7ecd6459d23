// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/model/model_plan.h"
#include "kernels/backend.h"
#include "kernels/progress.h"

namespace quantscope {

class WeightFinder;

/// The weights of one transformer on one device, each in the format that was planned for it.
class Model {
 public:
  /// Streams every tensor: decode a row tile, quantize, keep. Never more than the quantized model plus one tile is
  /// resident. The backend must outlive the model.
  static Result<std::unique_ptr<Model>> load(const Checkpoint& checkpoint, const ModelPlan& plan, Backend& backend,
                                             const ProgressFn& progress, std::stop_token stop);

  const ModelDescription& description() const { return description_; }
  Backend& backend() const { return *backend_; }

  struct Entry {
    PlannedWeight plan;
    std::unique_ptr<Weight> weight;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  /// The weight with this Hugging Face name, or null.
  const Entry* find(std::string_view name) const;
  /// Exchanges one weight (same shape) without a reload; the old one is returned. For sensitivity and sweeps. Linears
  /// that read it treat their input by `activations` from then on, as before when it is empty.
  Result<std::unique_ptr<Weight>> swap(std::string_view name, std::unique_ptr<Weight> weight,
                                       std::optional<ActivationMode> activations = {});

  /// Frees every weight but those of the final norm and the head, which are all that is used from then on: what is kept
  /// of the base of a KL divergence once its hidden states are known. Decoders of this model must be gone.
  void release_blocks();

  /// How often weights were exchanged.
  std::uint64_t version() const { return version_; }

  double load_seconds() const { return load_seconds_; }  ///< reading, quantizing and placing all weights
  /// Of these: reading and encoding the weights whose codes were found here.
  double quantize_seconds() const { return quantize_seconds_; }

  /// What a forward pass needs of one transformer block.
  struct Layer {
    AttentionShape attention;  ///< with the norms of q and k
    bool rotary = true;
    Norm attention_norm, mlp_norm;
    Norm attention_output_norm, mlp_output_norm;  ///< null weight = none
    Linear q, k, v, o, gate, up, down;
  };
  const std::vector<Layer>& layers() const { return layers_; }
  const Weight& embedding() const { return *embedding_; }
  const Norm& final_norm() const { return final_norm_; }
  const Linear& head() const { return head_; }
  ComputeType compute() const { return compute_; }
  /// Of a layer; empty where it does not rotate.
  std::span<const float> inverse_frequencies(const Layer& layer) const {
    return layer.rotary ? std::span<const float>(inverse_frequencies_) : std::span<const float>();
  }
  /// What embeddings are multiplied with: 1, or sqrt(hidden) rounded to the compute type as transformers does.
  float embedding_scale() const { return embedding_scale_; }

 private:
  Model() = default;
  Result<void> connect(const ModelPlan& plan);
  Layer connect_layer(WeightFinder& find, std::int64_t number) const;
  void set_activations(const Weight* weight, ActivationMode activations);

  ModelDescription description_;
  Backend* backend_ = nullptr;
  std::vector<Entry> entries_;
  std::vector<Layer> layers_;
  const Weight* embedding_ = nullptr;
  Norm final_norm_;
  Linear head_;
  ComputeType compute_ = ComputeType::fp32;
  std::vector<float> inverse_frequencies_;
  float embedding_scale_ = 1.0F;
  double load_seconds_ = 0;
  double quantize_seconds_ = 0;
  std::uint64_t version_ = 0;
};

/// Whether a weight is the final norm or the head (the embedding where they are tied): what release_blocks() keeps.
bool belongs_to_head(const WeightSlot& slot, const ModelDescription& model);

/// theta^(-2i/d) for i < d/2 in fp32, with the model's scaling or GGUF divisors applied. Source: Hugging Face
/// transformers, modeling_rope_utils.py.
std::vector<float> inverse_frequencies(const ModelDescription& model);

}  // namespace quantscope
