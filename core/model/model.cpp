// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/quantize/quantize_tensor.h"
#include "kernels/clock.h"
#include "kernels/formats/half.h"

namespace quantscope {

/// Looks weights up by name and remembers the first that is not there.
class WeightFinder {
 public:
  WeightFinder(const Model& model, const ModelPlan& plan) : model_(model), plan_(plan) {}

  const Weight* weight(const std::string& name) {
    const Model::Entry* entry = model_.find(name);
    if (entry == nullptr && missing_.empty()) missing_ = name;
    return entry == nullptr ? nullptr : entry->weight.get();
  }
  Norm norm(const std::string& stem) {
    const ModelDescription& description = model_.description();
    return {weight(stem + ".weight"), description.norm_epsilon, description.norm_offset};
  }
  Linear linear(const std::string& stem, bool with_bias) {
    Linear result;
    result.weight = weight(stem + ".weight");
    if (with_bias) result.bias = weight(stem + ".bias");
    result.compute = plan_.compute;
    if (const Model::Entry* entry = model_.find(stem + ".weight")) result.activations = entry->plan.activations;
    result.outlier_threshold = plan_.outlier_threshold;
    return result;
  }
  const std::string& missing() const { return missing_; }

 private:
  const Model& model_;
  const ModelPlan& plan_;
  std::string missing_;
};

namespace {

/// Whether a format stores codes with scales; others are values of their own.
bool has_scales(const WeightFormat& format) { return format_bytes(format, 1, 4096).scales > 0; }

/// Every place of a layer that points to a weight.
std::vector<const Weight**> weight_pointers(Model::Layer& layer) {
  std::vector<const Weight**> pointers;
  for (Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
    pointers.insert(pointers.end(), {&linear->weight, &linear->bias});
  for (Norm* norm : {&layer.attention_norm, &layer.mlp_norm, &layer.attention_output_norm, &layer.mlp_output_norm,
                     &layer.attention.query_norm, &layer.attention.key_norm})
    pointers.push_back(&norm->weight);
  return pointers;
}

}  // namespace

bool belongs_to_head(const WeightSlot& slot, const ModelDescription& model) {
  if (slot.role == WeightRole::norm) return slot.layer < 0;
  return slot.role == WeightRole::head || (slot.role == WeightRole::embedding && model.tied_head);
}

Result<std::unique_ptr<Model>> Model::load(const Checkpoint& checkpoint, const ModelPlan& plan, Backend& backend,
                                           const ProgressFn& progress, std::stop_token stop) {
  if (checkpoint.is_plan())
    return fail(ErrorCode::unsupported, "This is a plan (a config.json without weights): it can be forecast, not run.");
  const auto started = Clock::now();
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
    const auto weight_started = Clock::now();
    auto weight = load_weight(checkpoint, *tensor, planned.format, planned.as_stored, planned.tag, backend);
    if (!weight) return tl::unexpected(weight.error());
    if (has_scales(planned.format) && !planned.as_stored) model->quantize_seconds_ += seconds_since(weight_started);
    model->entries_.push_back({planned, std::move(*weight)});
  }
  if (auto connected = model->connect(plan); !connected) return tl::unexpected(connected.error());
  model->load_seconds_ = seconds_since(started);
  if (progress) progress({"Quantizing", total, total, {}});
  return model;
}

const Model::Entry* Model::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.plan.slot.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

Model::Layer Model::connect_layer(WeightFinder& find, std::int64_t number) const {
  const ModelDescription& model = description_;
  const std::string block = fmt::format("model.layers.{}.", number);
  const LayerAttention attention = layer_attention(model, number);
  Layer layer;
  layer.attention = {number,
                     model.heads,
                     model.kv_heads,
                     model.head_dim,
                     attention_scale(model, number),
                     attention.window,
                     model.attention_soft_cap};
  layer.rotary = attention.rotary;
  if (model.query_key_norm) {
    layer.attention.query_norm = find.norm(block + "self_attn.q_norm");
    layer.attention.key_norm = find.norm(block + "self_attn.k_norm");
  }
  layer.attention_norm = find.norm(block + "input_layernorm");
  layer.mlp_norm = find.norm(fmt::format("{}{}", block, mlp_norm_name(model)));
  if (model.post_norms) {
    layer.attention_output_norm = find.norm(block + "post_attention_layernorm");
    layer.mlp_output_norm = find.norm(block + "post_feedforward_layernorm");
  }
  layer.q = find.linear(block + "self_attn.q_proj", model.qkv_bias);
  layer.k = find.linear(block + "self_attn.k_proj", model.qkv_bias);
  layer.v = find.linear(block + "self_attn.v_proj", model.qkv_bias);
  layer.o = find.linear(block + "self_attn.o_proj", model.output_bias);
  layer.gate = find.linear(block + "mlp.gate_proj", model.mlp_bias);
  layer.up = find.linear(block + "mlp.up_proj", model.mlp_bias);
  layer.down = find.linear(block + "mlp.down_proj", model.mlp_bias);
  return layer;
}

Result<void> Model::connect(const ModelPlan& plan) {
  compute_ = plan.compute;
  inverse_frequencies_ = quantscope::inverse_frequencies(description_);
  if (description_.scaled_embedding)
    embedding_scale_ = round_to(compute_, std::sqrt(static_cast<float>(description_.hidden)));
  WeightFinder find(*this, plan);
  layers_.clear();
  for (std::int64_t i = 0; i < description_.layers; ++i) layers_.push_back(connect_layer(find, i));
  embedding_ = find.weight("model.embed_tokens.weight");
  final_norm_ = find.norm("model.norm");
  head_ = find.linear(description_.tied_head ? "model.embed_tokens" : "lm_head", false);
  head_.soft_cap = description_.logit_soft_cap;
  if (!find.missing().empty())
    return fail(ErrorCode::internal, fmt::format("The plan leaves out the weight {}.", find.missing()));
  return {};
}

void Model::release_blocks() {
  std::erase_if(entries_, [&](const Entry& entry) { return !belongs_to_head(entry.plan.slot, description_); });
  layers_.clear();
  if (embedding_ != head_.weight) embedding_ = nullptr;
}

void Model::set_activations(const Weight* weight, ActivationMode activations) {
  if (head_.weight == weight) head_.activations = activations;
  for (Layer& layer : layers_)
    for (Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down})
      if (linear->weight == weight) linear->activations = activations;
}

Result<std::unique_ptr<Weight>> Model::swap(std::string_view name, std::unique_ptr<Weight> weight,
                                            std::optional<ActivationMode> activations) {
  for (Entry& entry : entries_) {
    if (entry.plan.slot.name != name) continue;
    if (weight->rows != entry.weight->rows || weight->columns != entry.weight->columns)
      return fail(ErrorCode::invalid_argument, fmt::format("The replacement for {} has another shape.", name));
    const Weight* old = entry.weight.get();
    if (activations) {
      set_activations(old, *activations);
      entry.plan.activations = *activations;
    }
    const auto redirect = [&](const Weight*& pointer) {
      if (pointer == old) pointer = weight.get();
    };
    for (Layer& layer : layers_)
      for (const Weight** pointer : weight_pointers(layer)) redirect(*pointer);
    redirect(embedding_);
    redirect(final_norm_.weight);
    redirect(head_.weight);
    entry.plan.format = weight->format;
    std::swap(entry.weight, weight);
    ++version_;
    return weight;
  }
  return fail(ErrorCode::not_found, fmt::format("The model has no weight {}.", name));
}

}  // namespace quantscope
