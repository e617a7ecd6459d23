// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/quantize/quantize_tensor.h"

namespace quantscope {

Result<std::unique_ptr<Model>> Model::load(const Checkpoint& checkpoint, const ModelPlan& plan, Backend& backend,
                                           const ProgressFn& progress, std::stop_token stop) {
  if (checkpoint.is_plan())
    return fail(ErrorCode::unsupported, "This is a plan (a config.json without weights): it can be forecast, not run.");
  const auto started = std::chrono::steady_clock::now();
  std::unique_ptr<Model> model(new Model);
  model->description_ = checkpoint.model();
  model->backend_ = &backend;
  const auto total = static_cast<std::int64_t>(plan.weights.size());
  for (const PlannedWeight& planned : plan.weights) {
    if (stop.stop_requested()) return cancelled();
    const auto done = static_cast<std::int64_t>(model->entries_.size());
    if (progress) progress({"Quantizing", done, total, planned.slot.name});
    const TensorInfo* tensor = checkpoint.find(planned.slot.name);
    if (tensor == nullptr)
      return fail(ErrorCode::not_found, fmt::format("The checkpoint has no tensor {}.", planned.slot.name));
    auto weight = load_weight(checkpoint, *tensor, planned.format, planned.as_stored, planned.tag, backend);
    if (!weight) return tl::unexpected(weight.error());
    model->entries_.push_back({planned, std::move(*weight)});
  }
  if (auto connected = model->connect(plan); !connected) return tl::unexpected(connected.error());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  model->load_seconds_ = elapsed.count();
  if (progress) progress({"Quantizing", total, total, {}});
  return model;
}

const Model::Entry* Model::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.plan.slot.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Result<void> Model::connect(const ModelPlan& plan) {
  compute_ = plan.compute;
  inverse_frequencies_ = quantscope::inverse_frequencies(description_);
  std::string missing;
  const auto weight = [&](const std::string& name) -> const Weight* {
    const Entry* entry = find(name);
    if (entry == nullptr && missing.empty()) missing = name;
    return entry == nullptr ? nullptr : entry->weight.get();
  };
  const auto linear = [&](const std::string& stem, bool with_bias) {
    Linear result;
    result.weight = weight(stem + ".weight");
    if (with_bias) result.bias = weight(stem + ".bias");
    result.compute = compute_;
    if (const Entry* entry = find(stem + ".weight")) result.activations = entry->plan.activations;
    result.outlier_threshold = plan.outlier_threshold;
    return result;
  };
  layers_.clear();
  for (std::int64_t i = 0; i < description_.layers; ++i) {
    const std::string block = fmt::format("model.layers.{}.", i);
    const bool attention_bias = description_.attention_bias;
    const bool mlp_bias = description_.mlp_bias;
    layers_.push_back({
        .attention_norm = {weight(block + "input_layernorm.weight"), description_.norm_epsilon},
        .mlp_norm = {weight(block + "post_attention_layernorm.weight"), description_.norm_epsilon},
        .q = linear(block + "self_attn.q_proj", attention_bias),
        .k = linear(block + "self_attn.k_proj", attention_bias),
        .v = linear(block + "self_attn.v_proj", attention_bias),
        .o = linear(block + "self_attn.o_proj", attention_bias),
        .gate = linear(block + "mlp.gate_proj", mlp_bias),
        .up = linear(block + "mlp.up_proj", mlp_bias),
        .down = linear(block + "mlp.down_proj", mlp_bias),
    });
  }
  embedding_ = weight("model.embed_tokens.weight");
  final_norm_ = {weight("model.norm.weight"), description_.norm_epsilon};
  head_ = linear(description_.tied_head ? "model.embed_tokens" : "lm_head", false);
  if (!missing.empty()) return fail(ErrorCode::internal, fmt::format("The plan leaves out the weight {}.", missing));
  return {};
}

Result<std::unique_ptr<Weight>> Model::swap(std::string_view name, std::unique_ptr<Weight> weight) {
  for (Entry& entry : entries_) {
    if (entry.plan.slot.name != name) continue;
    if (weight->rows != entry.weight->rows || weight->columns != entry.weight->columns)
      return fail(ErrorCode::invalid_argument, fmt::format("The replacement for {} has another shape.", name));
    const Weight* old = entry.weight.get();
    const auto redirect = [&](const Weight*& pointer) {
      if (pointer == old) pointer = weight.get();
    };
    for (Layer& layer : layers_) {
      for (Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
        redirect(linear->weight);
      redirect(layer.attention_norm.weight);
      redirect(layer.mlp_norm.weight);
    }
    redirect(embedding_);
    redirect(final_norm_.weight);
    redirect(head_.weight);
    entry.plan.format = weight->format;
    std::swap(entry.weight, weight);
    return weight;
  }
  return fail(ErrorCode::not_found, fmt::format("The model has no weight {}.", name));
}

}  // namespace quantscope
