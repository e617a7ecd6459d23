// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_attention.h"

#include <fmt/format.h>

#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

using nlohmann::json;

bool has_window(WindowRule rule, std::int64_t layer, bool rotary, std::int64_t last_from) {
  switch (rule) {
    case WindowRule::none: return false;
    case WindowRule::all: return true;
    case WindowRule::last_layers: return layer >= last_from;
    case WindowRule::every_second: return layer % 2 == 0;
    case WindowRule::unrotated: return !rotary;
  }
  return false;
}

/// The window that config.json gives; 0 where there is none or it is switched off.
std::int64_t read_window(ConfigFields& fields, const Family& family) {
  const bool switched = family.windows == WindowRule::last_layers || family.windows == WindowRule::unrotated;
  if (family.windows == WindowRule::none || (switched && !fields.boolean("use_sliding_window", false))) return 0;
  const std::int64_t window = fields.integer_or_none("sliding_window", family.window);
  if (window < 0) fields.reject(ErrorCode::corrupt_file, "sliding_window", fmt::format("is {}", window));
  return window;
}

/// An array with an element per layer, or null when the field is absent or no such array.
const json* layer_list(ConfigFields& fields, const char* key, std::int64_t layers) {
  const json* list = fields.find(key);
  if (list == nullptr) return nullptr;
  if (list->is_array() && static_cast<std::int64_t>(list->size()) >= layers) return list;
  fields.reject(ErrorCode::corrupt_file, key, fmt::format("is no list of {} layers", layers));
  return nullptr;
}

void read_no_rope_layers(ConfigFields& fields, ModelDescription& model) {
  const json* list = layer_list(fields, "no_rope_layers", model.layers);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < model.attention.size(); ++i) {
    const auto rotary = whole_number((*list)[i]);
    if (!rotary) fields.reject(ErrorCode::corrupt_file, "no_rope_layers", "holds something other than 0 and 1");
    model.attention[i].rotary = rotary.value_or(1) != 0;
  }
}

/// layer_types says which layers have the window; elsewhere it may only repeat what the family does anyway.
void read_layer_types(ConfigFields& fields, const Family& family, std::int64_t window, ModelDescription& model) {
  const json* list = layer_list(fields, "layer_types", model.layers);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < model.attention.size(); ++i) {
    const json& type = (*list)[i];
    const bool sliding = type == "sliding_attention";
    if (!sliding && type != "full_attention")
      fields.reject(ErrorCode::unsupported, "layer_types",
                    fmt::format("names {}; supported are full_attention and sliding_attention", type.dump()));
    if (sliding && window == 0)
      fields.reject(ErrorCode::unsupported, "layer_types", "names sliding_attention, but there is no sliding window");
    if (!family.reads_layer_types && sliding != (model.attention[i].window > 0))
      fields.reject(ErrorCode::unsupported, "layer_types",
                    fmt::format("differs from what a model of family {} does", family.name));
    model.attention[i].window = sliding ? window : 0;
  }
}

}  // namespace

std::vector<LayerAttention> attention_layers(const Family& family, std::int64_t layers, std::int64_t window,
                                             std::int64_t last_from, std::int64_t no_rope_interval) {
  std::vector<LayerAttention> result(static_cast<std::size_t>(layers));
  for (std::int64_t i = 0; i < layers; ++i) {
    LayerAttention& layer = result[static_cast<std::size_t>(i)];
    layer.rotary = no_rope_interval <= 0 || (i + 1) % no_rope_interval != 0;
    if (window > 0 && has_window(family.windows, i, layer.rotary, last_from)) layer.window = window;
  }
  return result;
}

void read_config_attention(ConfigFields& fields, const Family& family, ModelDescription& model) {
  const std::int64_t window = read_window(fields, family);
  std::int64_t interval = 0;
  if (family.no_rope_interval > 0) interval = fields.integer("no_rope_layer_interval", family.no_rope_interval);
  model.attention = attention_layers(family, model.layers, window, fields.integer("max_window_layers", 28), interval);
  if (family.no_rope_interval > 0) {
    read_no_rope_layers(fields, model);
    if (family.windows == WindowRule::unrotated)
      for (LayerAttention& layer : model.attention) layer.window = layer.rotary ? 0 : window;
  }
  read_layer_types(fields, family, window, model);
  if (family.query_scalar > 0)
    model.query_scalar = fields.number("query_pre_attn_scalar", static_cast<double>(family.query_scalar));
  if (family.attention_soft_cap > 0)
    model.attention_soft_cap =
        static_cast<float>(fields.number_or_none("attn_logit_softcapping", family.attention_soft_cap));
  if (family.logit_soft_cap > 0)
    model.logit_soft_cap = static_cast<float>(fields.number_or_none("final_logit_softcapping", family.logit_soft_cap));
}

}  // namespace quantscope
