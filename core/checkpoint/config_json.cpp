// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_json.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

#include "core/checkpoint/json_document.h"

namespace quantscope {
namespace {

using nlohmann::json;

/// Typed access to the fields of one JSON object. Remembers the first failure and gives the fallback from then on.
class Fields {
 public:
  Fields(const json& object, const std::filesystem::path& file) : object_(object), file_(file) {}

  /// Null where the field is absent or null, which mean the same in these files.
  const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  bool has(const char* key) const { return find(key) != nullptr; }

  std::int64_t integer(const char* key) {
    if (!has(key)) reject(ErrorCode::not_found, key, "is missing");
    return integer(key, 0);
  }
  std::int64_t integer(const char* key, std::int64_t fallback) {
    const json* value = find(key);
    if (value == nullptr) return fallback;
    const auto number = whole_number(*value);
    if (!number) reject(ErrorCode::corrupt_file, key, "is not a whole number");
    return number.value_or(fallback);
  }
  double number(const char* key, double fallback) {
    const json* value = find(key);
    if (value != nullptr && !value->is_number()) reject(ErrorCode::corrupt_file, key, "is not a number");
    return value != nullptr && value->is_number() ? value->get<double>() : fallback;
  }
  bool boolean(const char* key, bool fallback) {
    const json* value = find(key);
    if (value != nullptr && !value->is_boolean()) reject(ErrorCode::corrupt_file, key, "is not true or false");
    return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
  }
  std::string text(const char* key, std::string fallback) {
    const json* value = find(key);
    if (value != nullptr && !value->is_string()) reject(ErrorCode::corrupt_file, key, "is not text");
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::move(fallback);
  }

  void reject(ErrorCode code, std::string_view key, std::string_view what) {
    if (!failure_)
      failure_ = Error{code,
                       fmt::format("In {}, '{}' {}.", file_.filename().string(), key, what),
                       {},
                       fmt::format("{}, {}", file_.string(), key)};
  }
  const std::filesystem::path& file() const { return file_; }
  Result<void> status() const {
    if (failure_) return tl::unexpected(*failure_);
    return {};
  }

 private:
  const json& object_;
  const std::filesystem::path& file_;
  std::optional<Error> failure_;
};

/// What the file calls its architecture: "MistralForCausalLM", else the model type.
std::string architecture_name(Fields& fields) {
  const json* list = fields.find("architectures");
  if (list != nullptr && list->is_array() && !list->empty() && list->front().is_string())
    return list->front().get<std::string>();
  return fields.text("model_type", "");
}

Result<void> check_architecture(Fields& fields) {
  const std::string type = fields.text("model_type", ""), name = architecture_name(fields);
  if (name.empty()) fields.reject(ErrorCode::not_found, "model_type", "is missing; this file describes no model");
  if (type != "llama" || (name != "LlamaForCausalLM" && name != "llama"))
    fields.reject(
        ErrorCode::unsupported, "architectures",
        fmt::format("is {} (model type '{}'), which is not supported; supported is LlamaForCausalLM", name, type));
  if (const json* quantization = fields.find("quantization_config"); quantization != nullptr) {
    const auto method = quantization->is_object() ? quantization->value("quant_method", json()) : json();
    fields.reject(ErrorCode::unsupported, "quantization_config",
                  fmt::format("says that the weights are already quantized by '{}'; open the unquantized checkpoint",
                              method.is_string() ? method.get<std::string>() : "an unnamed method"));
  }
  if (const std::string activation = fields.text("hidden_act", "silu"); activation != "silu")
    fields.reject(ErrorCode::unsupported, "hidden_act",
                  fmt::format("is '{}', which is not supported; supported is 'silu'", activation));
  return fields.status();
}

/// The rope fields beside theta, of either style; both name the type "rope_type" or, in old files, "type".
Result<void> read_rope_scaling(Fields& rope, const ModelDescription& model, RopeDescription& description) {
  const std::string type = rope.text("rope_type", rope.text("type", "default"));
  if (rope.number("partial_rotary_factor", 1.0) != 1.0)
    rope.reject(ErrorCode::unsupported, "partial_rotary_factor", "is not 1, which is not supported");
  if (type == "default") return rope.status();
  if (type != "llama3") {
    rope.reject(ErrorCode::unsupported, "rope_type",
                fmt::format("is '{}', which is not supported; supported are 'default' and 'llama3'", type));
    return rope.status();
  }
  description.scaling = RopeScaling::llama3;
  description.factor = rope.number("factor", 0.0);
  description.low_frequency_factor = rope.number("low_freq_factor", 0.0);
  description.high_frequency_factor = rope.number("high_freq_factor", 0.0);
  description.original_context = rope.integer("original_max_position_embeddings", model.context);
  return rope.status();
}

Result<void> read_rope(Fields& fields, ModelDescription& model) {
  const bool new_style = fields.has("rope_parameters");
  const char* key = new_style ? "rope_parameters" : "rope_scaling";
  model.rope.theta = fields.number("rope_theta", 10000.0);
  const json* object = fields.find(key);
  if (object == nullptr) return fields.status();
  if (!object->is_object()) {
    fields.reject(ErrorCode::corrupt_file, key, "is not an object");
    return fields.status();
  }
  Fields rope(*object, fields.file());
  model.rope.theta = rope.number("rope_theta", model.rope.theta);
  return read_rope_scaling(rope, model, model.rope);
}

std::int64_t value_bytes(Fields& fields) {
  const std::string dtype = fields.text("dtype", fields.text("torch_dtype", "bfloat16"));
  if (dtype == "float32") return 4;
  if (dtype != "float16" && dtype != "bfloat16")
    fields.reject(ErrorCode::unsupported, "dtype",
                  fmt::format("is '{}'; supported are float32, float16 and bfloat16", dtype));
  return 2;
}

void read_sizes(Fields& fields, ModelDescription& model) {
  model.vocabulary = fields.integer("vocab_size");
  model.hidden = fields.integer("hidden_size");
  model.intermediate = fields.integer("intermediate_size");
  model.layers = fields.integer("num_hidden_layers");
  model.heads = fields.integer("num_attention_heads");
  model.kv_heads = fields.integer("num_key_value_heads", model.heads);
  model.head_dim = fields.integer("head_dim", model.heads > 0 ? model.hidden / model.heads : 0);
  model.context = fields.integer("max_position_embeddings", 2048);
}

bool is_token_id(const std::optional<std::int64_t>& number) {
  return number && *number >= 0 && *number <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

Result<std::vector<std::int32_t>> read_end_ids(const json& config, const std::filesystem::path& file) {
  Fields fields(config, file);
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
  Fields fields(config, file);
  if (auto known = check_architecture(fields); !known) return tl::unexpected(std::move(known.error()));
  ModelDescription model;
  model.family = "llama";
  read_sizes(fields, model);
  model.norm_epsilon = static_cast<float>(fields.number("rms_norm_eps", 1e-6));
  model.tied_head = fields.boolean("tie_word_embeddings", false);
  model.attention_bias = fields.boolean("attention_bias", false);
  model.mlp_bias = fields.boolean("mlp_bias", false);
  model.stored_value_bytes = value_bytes(fields);
  if (auto rope = read_rope(fields, model); !rope) return tl::unexpected(std::move(rope.error()));
  if (auto status = fields.status(); !status) return tl::unexpected(std::move(status.error()));
  auto end_ids = read_end_ids(config, file);
  if (!end_ids) return tl::unexpected(std::move(end_ids.error()));
  model.end_ids = std::move(*end_ids);
  if (auto valid = validate(model, file.filename().string()); !valid) return tl::unexpected(std::move(valid.error()));
  return model;
}

}  // namespace quantscope
