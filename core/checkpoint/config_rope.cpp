// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_rope.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace quantscope {
namespace {

struct ScalingName {
  std::string_view name;
  RopeScaling scaling;
};
constexpr std::array<ScalingName, 5> scaling_names = {{{"default", RopeScaling::none},
                                                       {"linear", RopeScaling::linear},
                                                       {"dynamic", RopeScaling::dynamic},
                                                       {"yarn", RopeScaling::yarn},
                                                       {"llama3", RopeScaling::llama3}}};

RopeScaling scaling_of(ConfigFields& rope) {
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  for (const ScalingName& known : scaling_names)
    if (type == known.name) return known.scaling;
  rope.reject(
      ErrorCode::unsupported, "rope_type",
      fmt::format("is '{}', which is not supported; supported are default, linear, dynamic, yarn and llama3", type));
  return RopeScaling::none;
}

double yarn_magnitude(double factor, double weight) {
  return factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

void read_yarn(ConfigFields& rope, const ModelDescription& model, RopeDescription& description) {
  const auto context_ratio = static_cast<double>(model.context) / static_cast<double>(description.original_context);
  description.factor = rope.number("factor", context_ratio);
  description.whole_pairs = rope.boolean("truncate", true);
  // 0 stands for the default, as in transformers.
  if (const double fast = rope.number("beta_fast", 0.0); fast != 0.0) description.beta_fast = fast;
  if (const double slow = rope.number("beta_slow", 0.0); slow != 0.0) description.beta_slow = slow;
  const double scale = rope.number("mscale", 0.0), scale_all = rope.number("mscale_all_dim", 0.0);
  const double inferred = scale != 0.0 && scale_all != 0.0 ? yarn_magnitude(description.factor, scale) /
                                                                 yarn_magnitude(description.factor, scale_all)
                                                           : default_yarn_attention_factor(description.factor);
  description.attention_factor = rope.number("attention_factor", inferred);
}

/// The fields beside theta, of either style; both name the type "rope_type" or, in old files, "type".
Result<void> read_scaling(ConfigFields& rope, ConfigFields& fields, const ModelDescription& model,
                          RopeDescription& description) {
  description.scaling = scaling_of(rope);
  if (description.scaling == RopeScaling::none) return rope.status();
  description.factor = rope.number("factor", 0.0);
  description.low_frequency_factor = rope.number("low_freq_factor", 0.0);
  description.high_frequency_factor = rope.number("high_freq_factor", 0.0);
  const std::int64_t original = rope.integer("original_max_position_embeddings", model.context);
  description.original_context = fields.integer("original_max_position_embeddings", original);
  if (description.original_context <= 0)
    rope.reject(ErrorCode::corrupt_file, "original_max_position_embeddings", "is not positive");
  else if (description.scaling == RopeScaling::yarn)
    read_yarn(rope, model, description);
  return rope.status();
}

}  // namespace

double default_yarn_attention_factor(double factor) { return yarn_magnitude(factor, 1.0); }

Result<void> read_config_rope(ConfigFields& fields, const Family& family, ModelDescription& model) {
  model.rope.theta = fields.number("rope_theta", family.theta);
  if (fields.number("partial_rotary_factor", 1.0) != 1.0)
    fields.reject(ErrorCode::unsupported, "partial_rotary_factor", "is not 1, which is not supported");
  const char* key = fields.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const nlohmann::json* object = fields.find(key);
  if (object == nullptr) return fields.status();
  if (!object->is_object()) {
    fields.reject(ErrorCode::corrupt_file, key, "is not an object");
    return fields.status();
  }
  ConfigFields rope(*object, fields.file());
  model.rope.theta = rope.number("rope_theta", model.rope.theta);
  if (rope.number("partial_rotary_factor", 1.0) != 1.0)
    rope.reject(ErrorCode::unsupported, "partial_rotary_factor", "is not 1, which is not supported");
  if (auto scaling = read_scaling(rope, fields, model, model.rope); !scaling) return scaling;
  return fields.status();
}

}  // namespace quantscope
