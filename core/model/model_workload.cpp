// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/model_workload.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/model/decoder.h"

namespace quantscope {
namespace {

/// The linears of a plan by the names of their weights.
class PlannedLinears {
 public:
  PlannedLinears(const ModelPlan& plan, ComputeType compute) : compute_(compute) {
    for (const PlannedWeight& weight : plan.weights) weights_.emplace(weight.slot.name, &weight);
  }

  std::vector<LinearShape> under(const std::string& block, std::initializer_list<std::string_view> stems) const {
    std::vector<LinearShape> linears;
    for (const std::string_view stem : stems) linears.push_back(named(block + std::string(stem)));
    return linears;
  }

  LinearShape named(const std::string& stem) const {
    const auto found = weights_.find(stem + ".weight");
    if (found == weights_.end()) return {};
    const PlannedWeight& weight = *found->second;
    return {weight.slot.rows, weight.slot.columns, weight.format,
            compute_,         weight.activations,  weights_.contains(stem + ".bias")};
  }

 private:
  ComputeType compute_;
  std::unordered_map<std::string, const PlannedWeight*> weights_;
};

void add_once(std::vector<OperationShape>& operations, OperationShape operation) {
  if (std::ranges::find(operations, operation) == operations.end()) operations.push_back(std::move(operation));
}

}  // namespace

LinearShape head_shape(const ModelPlan& plan, const ModelDescription& model) {
  return PlannedLinears(plan, plan.compute).named(model.tied_head ? "model.embed_tokens" : "lm_head");
}

Workload workload_of(const ModelPlan& plan, const ModelDescription& model, std::int64_t context,
                     std::int64_t batch_rows) {
  using Kind = OperationShape::Kind;
  const KvShape kv = decoder_shape(model, plan.kv_type, context, batch_rows).kv;
  Workload workload;
  workload.batch_rows = batch_rows;
  workload.context = kv.pages * kv.page_tokens;
  workload.page_tokens = kv.page_tokens;
  workload.hidden = model.hidden;
  workload.heads = model.heads;
  workload.kv_heads = model.kv_heads;
  workload.head_dim = model.head_dim;
  workload.query_key_norm = model.query_key_norm;
  for (const PlannedWeight& weight : plan.weights)
    if (weight.slot.rows == 1) workload.vector_values += weight.slot.columns;
  const PlannedLinears linears(plan, plan.compute);
  const Kind add = model.post_norms ? Kind::linear_norm_add : Kind::linear_add;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer) + ".";
    add_once(workload.operations,
             {Kind::norm_linears, linears.under(block, {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"})});
    add_once(workload.operations, {add, linears.under(block, {"self_attn.o_proj"})});
    add_once(workload.operations, {Kind::norm_gate_up, linears.under(block, {"mlp.gate_proj", "mlp.up_proj"})});
    add_once(workload.operations, {add, linears.under(block, {"mlp.down_proj"})});
  }
  workload.operations.push_back({Kind::head, {head_shape(plan, model)}});
  return workload;
}

}  // namespace quantscope
