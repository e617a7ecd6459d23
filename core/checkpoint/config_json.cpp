// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_json.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "core/checkpoint/config_attention.h"
#include "core/checkpoint/config_fields.h"
#include "core/checkpoint/config_rope.h"
#include "core/checkpoint/json_document.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// What the file calls its architecture: "MistralForCausalLM", else the model type.
std::string architecture_name(ConfigFields& fields) {
  const json* list = fields.find("architectures");
  if (list != nullptr && list->is_array() && !list->empty() && list->front().is_string())
    return list->front().get<std::string>();
  return fields.text("model_type", "");
}

/// Null, with the reason among the failures, where the model is of no known family.
const Family* find_family_of(ConfigFields& fields) {
  const std::string type = fields.text("model_type", ""), name = architecture_name(fields);
  if (name.empty()) fields.reject(ErrorCode::not_found, "model_type", "is missing; this file describes no model");
  const Family* family = find_family(type);
  if (family != nullptr && (name == family->architecture || name == family->name)) return family;
  fields.reject(ErrorCode::unsupported, "architectures",
                fmt::format("is {} (model type '{}'), which is not supported; supported are causal language models of "
                            "the types {}",
                            name, type, family_names(false)));
  return nullptr;
}

GateActivation read_activation(ConfigFields& fields, const Family& family) {
  const bool gelu = family.activation == GateActivation::gelu_tanh;
  const char* key = gelu ? "hidden_activation" : "hidden_act";
  const std::string expected = gelu ? "gelu_pytorch_tanh" : "silu";
  if (const std::string activation = fields.text(key, expected); activation != expected)
    fields.reject(ErrorCode::unsupported, key,
                  fmt::format("is '{}', which is not supported; supported is '{}'", activation, expected));
  return family.activation;
}

std::int64_t value_bytes(ConfigFields& fields) {
  const std::string dtype = fields.text("dtype", fields.text("torch_dtype", "bfloat16"));
  if (dtype == "float32") return 4;
  if (dtype != "float16" && dtype != "bfloat16")
    fields.reject(ErrorCode::unsupported, "dtype",
                  fmt::format("is '{}'; supported are float32, float16 and bfloat16", dtype));
  return 2;
}

void read_sizes(ConfigFields& fields, const Family& family, ModelDescription& model) {
  model.vocabulary = fields.integer("vocab_size");
  model.hidden = fields.integer("hidden_size");
  model.intermediate = fields.integer("intermediate_size");
  model.layers = fields.integer("num_hidden_layers");
  model.heads = fields.integer("num_attention_heads");
  const bool shares_heads = family.kv_heads > 0 && !fields.is_null("num_key_value_heads");
  model.kv_heads = fields.integer("num_key_value_heads", shares_heads ? family.kv_heads : model.heads);
  const std::int64_t even_share = model.heads > 0 ? model.hidden / model.heads : 0;
  model.head_dim = fields.integer("head_dim", family.head_dim > 0 ? family.head_dim : even_share);
  model.context = fields.integer("max_position_embeddings", family.context);
}

void read_biases(ConfigFields& fields, const Family& family, ModelDescription& model) {
  if (family.reads_attention_bias) {
    model.output_bias = fields.boolean("attention_bias", false);
    model.qkv_bias = model.qkv_bias || model.output_bias;
  }
  if (family.reads_mlp_bias) model.mlp_bias = fields.boolean("mlp_bias", false);
}

bool is_token_id(const std::optional<std::int64_t>& number) {
  return number && *number >= 0 && *number <= std::numeric_limits<std::int32_t>::max();
}

/// Everything but the attention's layers, whose number must be known to be sane before lists of them are made.
Result<ModelDescription> read_model(ConfigFields& fields, const Family& family) {
  ModelDescription model;
  apply_family(family, model);
  read_sizes(fields, family, model);
  read_biases(fields, family, model);
  model.norm_epsilon = static_cast<float>(fields.number("rms_norm_eps", family.norm_epsilon));
  model.norm_offset = family.norm_offset ? 1.0F : 0.0F;
  model.tied_head = fields.boolean("tie_word_embeddings", family.tied_head);
  model.activation = read_activation(fields, family);
  model.stored_value_bytes = value_bytes(fields);
  if (auto status = fields.status(); !status) return tl::unexpected(std::move(status.error()));
  if (auto rope = read_config_rope(fields, family, model); !rope) return tl::unexpected(std::move(rope.error()));
  if (auto valid = validate(model, fields.file().filename().string()); !valid)
    return tl::unexpected(std::move(valid.error()));
  return model;
}

}  // namespace

Result<std::vector<std::int32_t>> read_end_ids(const json& config, const std::filesystem::path& file) {
  ConfigFields fields(config, file);
  std::vector<std::int32_t> ids;
  const json* value = fields.find("eos_token_id");
  if (value == nullptr) return ids;
  for (const json& element : value->is_array() ? *value : json::array({*value})) {
    const auto number = whole_number(element);
    if (is_token_id(number))
      ids.push_back(static_cast<std::int32_t>(*number));
    else
      fields.reject(ErrorCode::corrupt_file, "eos_token_id", "is neither a token id nor a list of them");
  }
  if (auto status = fields.status(); !status) return tl::unexpected(std::move(status.error()));
  return ids;
}

Result<ModelDescription> describe_config(const json& config, const std::filesystem::path& file) {
  ConfigFields fields(config, file);
  const Family* family = find_family_of(fields);
  if (auto status = fields.status(); !status) return tl::unexpected(std::move(status.error()));
  auto model = read_model(fields, *family);
  if (!model) return model;
  read_config_attention(fields, *family, *model);
  if (auto status = fields.status(); !status) return tl::unexpected(std::move(status.error()));
  auto end_ids = read_end_ids(config, file);
  if (!end_ids) return tl::unexpected(std::move(end_ids.error()));
  model->end_ids = std::move(*end_ids);
  if (auto valid = validate(*model, file.filename().string()); !valid) return tl::unexpected(std::move(valid.error()));
  return model;
}

}  // namespace quantscope
