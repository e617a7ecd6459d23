// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/checkpoint/config_attention.h"
#include "core/checkpoint/config_rope.h"
#include "core/checkpoint/file_damage.h"
#include "core/checkpoint/model_families.h"
#include "core/checkpoint/stored_type.h"

namespace quantscope {
namespace {

std::string file_name(const GgufMetadata& metadata) { return metadata.file().filename().string(); }

tl::unexpected<Error> unsupported(const GgufMetadata& metadata, std::string_view key, std::string_view what) {
  return fail(ErrorCode::unsupported, fmt::format("{} {}.", file_name(metadata), what),
              fmt::format("{}, {}", metadata.file().string(), key));
}

/// The metadata keys of one architecture: "qwen2.block_count".
class ArchitectureKeys {
 public:
  ArchitectureKeys(GgufMetadata& metadata, const Family& family) : metadata_(metadata), family_(family) {}

  const Family& family() const { return family_; }
  std::string key(std::string_view name) const { return fmt::format("{}.{}", family_.name, name); }
  std::int64_t integer(std::string_view name) { return metadata_.integer(key(name)); }
  std::optional<std::int64_t> optional_integer(std::string_view name) { return metadata_.optional_integer(key(name)); }
  std::optional<double> optional_number(std::string_view name) { return metadata_.optional_number(key(name)); }
  std::string text(std::string_view name) { return metadata_.text(key(name)); }
  tl::unexpected<Error> refuse(std::string_view name, std::string_view what) const {
    return unsupported(metadata_, key(name), what);
  }
  GgufMetadata& metadata() { return metadata_; }

 private:
  GgufMetadata& metadata_;
  const Family& family_;
};

Result<const Family*> find_architecture(GgufMetadata& metadata) {
  const std::string architecture = metadata.text("general.architecture");
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  if (architecture.empty())
    return fail(ErrorCode::not_found,
                fmt::format("{} has no metadata key 'general.architecture'; it holds no model.", file_name(metadata)),
                metadata.file().string());
  const Family* family = find_family(architecture);
  if (family == nullptr || !family->written_as.empty())
    return unsupported(metadata, "general.architecture",
                       fmt::format("has the architecture '{}', which is not supported; supported are {}", architecture,
                                   family_names(true)));
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  return family;
}

Result<void> check_variants(ArchitectureKeys& keys, const ModelDescription& model) {
  if (keys.optional_number("rope.scale_linear").value_or(1.0) != 1.0)
    return keys.refuse("rope.scale_linear",
                       "scales its rotary embedding by a key of old files, which is not supported");
  if (keys.optional_integer("expert_count").value_or(0) > 0)
    return keys.refuse("expert_count", "is a mixture of experts, which is not supported");
  const std::int64_t rotated = keys.optional_integer("rope.dimension_count").value_or(model.head_dim);
  const std::int64_t values = keys.optional_integer("attention.value_length").value_or(model.head_dim);
  if (auto status = keys.metadata().status(); !status) return status;
  if (rotated != model.head_dim || values != model.head_dim)
    return keys.refuse("rope.dimension_count",
                       fmt::format("has heads of {} elements with {} rotated and {} per value; only equal sizes are "
                                   "supported",
                                   model.head_dim, rotated, values));
  return {};
}

/// llama.cpp rotates by yarn as transformers does; keys that change its formula are refused.
Result<void> read_rope_scaling(ArchitectureKeys& keys, ModelDescription& model) {
  const std::string type = keys.text("rope.scaling.type");
  if (type.empty() || type == "none") return {};
  RopeDescription& rope = model.rope;
  if (type != "linear" && type != "yarn")
    return keys.refuse("rope.scaling.type",
                       fmt::format("scales its rotary embedding by '{}', which is not supported", type));
  for (const std::string_view name : {"rope.scaling.attn_factor", "rope.scaling.yarn_ext_factor",
                                      "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_log_multiplier"})
    if (keys.metadata().find(keys.key(name)) != nullptr)
      return keys.refuse(name, fmt::format("has the key '{}', which is not supported", keys.key(name)));
  rope.scaling = type == "linear" ? RopeScaling::linear : RopeScaling::yarn;
  rope.factor = keys.optional_number("rope.scaling.factor").value_or(0.0);
  rope.original_context = keys.optional_integer("rope.scaling.original_context_length").value_or(model.context);
  rope.beta_fast = keys.optional_number("rope.scaling.yarn_beta_fast").value_or(32.0);
  rope.beta_slow = keys.optional_number("rope.scaling.yarn_beta_slow").value_or(1.0);
  if (rope.scaling == RopeScaling::yarn) rope.attention_factor = default_yarn_attention_factor(rope.factor);
  return keys.metadata().status();
}

/// Sizes must be sane.
Result<void> read_attention(ArchitectureKeys& keys, ModelDescription& model) {
  const Family& family = keys.family();
  const std::int64_t window = keys.optional_integer("attention.sliding_window").value_or(0);
  const bool known = family.windows == WindowRule::all || family.windows == WindowRule::every_second;
  if (window > 0 && !known)
    return keys.refuse(
        "attention.sliding_window",
        fmt::format("has a sliding window, which is not supported in GGUF files of architecture {}", family.name));
  if (window < 0) return keys.refuse("attention.sliding_window", fmt::format("has a sliding window of {}", window));
  model.attention = attention_layers(family, model.layers, window, 0, family.no_rope_interval);
  model.query_scalar = gguf_query_scalar(family, model);
  const auto cap = [&keys](std::string_view name) {
    return static_cast<float>(keys.optional_number(name).value_or(0.0));
  };
  if (family.attention_soft_cap > 0) model.attention_soft_cap = cap("attn_logit_softcapping");
  if (family.logit_soft_cap > 0) model.logit_soft_cap = cap("final_logit_softcapping");
  return keys.metadata().status();
}

const TensorInfo* find_tensor(const GgufHeader& header, std::string_view stored_name) {
  const auto found = std::ranges::find(header.tensors, stored_name, &TensorInfo::stored_name);
  return found == header.tensors.end() ? nullptr : &*found;
}

std::int64_t head_size(ArchitectureKeys& keys, const ModelDescription& model) {
  if (const auto key_length = keys.optional_integer("attention.key_length")) return *key_length;
  if (const auto rotated = keys.optional_integer("rope.dimension_count")) return *rotated;
  return model.heads > 0 ? model.hidden / model.heads : 0;
}

std::int64_t vocabulary_size(ArchitectureKeys& keys) {
  if (const auto size = keys.optional_integer("vocab_size")) return *size;
  const GgufValue* tokens = keys.metadata().find("tokenizer.ggml.tokens");
  return tokens != nullptr && tokens->is_array ? static_cast<std::int64_t>(tokens->count) : 0;
}

void read_sizes(ArchitectureKeys& keys, ModelDescription& model) {
  model.vocabulary = vocabulary_size(keys);
  model.hidden = keys.integer("embedding_length");
  model.intermediate = keys.integer("feed_forward_length");
  model.layers = keys.integer("block_count");
  model.heads = keys.integer("attention.head_count");
  model.kv_heads = keys.optional_integer("attention.head_count_kv").value_or(model.heads);
  model.head_dim = head_size(keys, model);
  model.context = keys.integer("context_length");
  model.norm_epsilon = static_cast<float>(keys.optional_number("attention.layer_norm_rms_epsilon").value_or(1e-5));
  model.rope.theta = keys.optional_number("rope.freq_base").value_or(10000.0);
}

Result<std::vector<float>> read_rope_divisors(const GgufHeader& header, std::span<const CheckpointFile> files) {
  for (const std::string_view name : {"rope_factors_long.weight", "rope_factors_short.weight"})
    if (find_tensor(header, name) != nullptr)
      return fail(ErrorCode::unsupported,
                  fmt::format("{} scales its rotary embedding by 'longrope' (tensor {}), which is not supported.",
                              header.metadata.file().filename().string(), name),
                  fmt::format("{}, tensor {}", header.metadata.file().string(), name));
  const TensorInfo* tensor = find_tensor(header, "rope_freqs.weight");
  if (tensor == nullptr) return std::vector<float>();
  if (tensor->type != StoredType::f32 || tensor->shape.size() != 1)
    return file_damage(header.metadata.file(), tensor->offset, "it is not a vector of F32", tensor->name);
  std::vector<float> divisors(static_cast<std::size_t>(tensor->count()));
  decode_stored(tensor->type, files[tensor->file].mapping.bytes().data() + tensor->offset, divisors);
  return divisors;
}

/// What only the presence of tensors tells.
void read_tensor_facts(const GgufHeader& header, ModelDescription& model) {
  const auto has = [&header](std::string_view name) { return find_tensor(header, name) != nullptr; };
  model.tied_head = !has("output.weight");
  model.qkv_bias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
  model.output_bias = has("blk.0.attn_output.bias");
  model.mlp_bias = has("blk.0.ffn_gate.bias");
}

std::optional<std::int32_t> token_id(GgufMetadata& metadata, std::string_view name) {
  const auto id = metadata.optional_integer(fmt::format("tokenizer.ggml.{}_token_id", name));
  // Converters write 2^32 - 1 (that is, -1) for a token that the model lacks.
  if (!id || *id < 0 || *id > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::int32_t>(*id);
}

std::vector<std::int32_t> end_tokens(GgufMetadata& metadata) {
  std::vector<std::int32_t> ids;
  for (const std::string_view name : {"eos", "eot", "eom"}) {
    const auto id = token_id(metadata, name);
    if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

/// Types and scores belong to tokens one to one, where they are given at all.
Result<void> check_lengths(const GgufMetadata& metadata, const GgufVocabulary& vocabulary) {
  const std::size_t tokens = vocabulary.tokens.size();
  const auto fits = [tokens](std::size_t size) { return size == 0 || size == tokens; };
  if (fits(vocabulary.token_types.size()) && fits(vocabulary.scores.size())) return {};
  return file_damage(metadata.file(), metadata.find("tokenizer.ggml.tokens")->offset,
                     fmt::format("it has {} tokens, {} token types and {} scores", tokens,
                                 vocabulary.token_types.size(), vocabulary.scores.size()));
}

}  // namespace

Result<ModelDescription> describe_gguf_model(GgufHeader& header, std::span<const CheckpointFile> files) {
  GgufMetadata& metadata = header.metadata;
  const auto family = find_architecture(metadata);
  if (!family) return tl::unexpected(family.error());
  ArchitectureKeys keys(metadata, **family);
  ModelDescription model;
  apply_family(**family, model);
  model.name = metadata.text("general.name");
  if (model.name.empty()) model.name = metadata.file().stem().string();
  model.license = metadata.text("general.license");
  read_sizes(keys, model);
  read_tensor_facts(header, model);
  model.end_ids = end_tokens(metadata);
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  if (auto variants = check_variants(keys, model); !variants) return tl::unexpected(std::move(variants.error()));
  auto divisors = read_rope_divisors(header, files);
  if (!divisors) return tl::unexpected(std::move(divisors.error()));
  model.rope.divisors = std::move(*divisors);
  if (auto scaling = read_rope_scaling(keys, model); !scaling) return tl::unexpected(std::move(scaling.error()));
  if (auto valid = validate(model, file_name(metadata)); !valid) return tl::unexpected(std::move(valid.error()));
  if (auto attention = read_attention(keys, model); !attention) return tl::unexpected(std::move(attention.error()));
  if (auto valid = validate(model, file_name(metadata)); !valid) return tl::unexpected(std::move(valid.error()));
  return model;
}

double gguf_query_scalar(const Family& family, const ModelDescription& model) {
  constexpr std::int64_t layers_of_gemma2_27b = 46;
  const bool differs = family.query_scalar > 0 && model.layers == layers_of_gemma2_27b;
  const std::int64_t even_share = model.hidden / model.heads;
  return differs ? static_cast<double>(even_share) : 0.0;
}

Result<TokenizerSource> read_gguf_vocabulary(GgufMetadata& metadata) {
  if (metadata.find("tokenizer.ggml.tokens") == nullptr) return TokenizerSource();
  GgufVocabulary vocabulary;
  vocabulary.model = metadata.text("tokenizer.ggml.model");
  vocabulary.pre = metadata.text("tokenizer.ggml.pre");
  vocabulary.tokens = metadata.strings("tokenizer.ggml.tokens");
  vocabulary.token_types = metadata.integers("tokenizer.ggml.token_type");
  vocabulary.scores = metadata.floats("tokenizer.ggml.scores");
  vocabulary.merges = metadata.strings("tokenizer.ggml.merges");
  vocabulary.bos_id = token_id(metadata, "bos");
  vocabulary.eos_id = token_id(metadata, "eos");
  vocabulary.eot_id = token_id(metadata, "eot");
  vocabulary.unknown_id = token_id(metadata, "unknown");
  vocabulary.padding_id = token_id(metadata, "padding");
  vocabulary.add_bos = metadata.optional_boolean("tokenizer.ggml.add_bos_token");
  vocabulary.add_eos = metadata.optional_boolean("tokenizer.ggml.add_eos_token");
  vocabulary.add_space_prefix = metadata.optional_boolean("tokenizer.ggml.add_space_prefix");
  vocabulary.remove_extra_whitespaces = metadata.optional_boolean("tokenizer.ggml.remove_extra_whitespaces");
  vocabulary.chat_template = metadata.text("tokenizer.chat_template");
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  if (auto lengths = check_lengths(metadata, vocabulary); !lengths) return tl::unexpected(std::move(lengths.error()));
  return TokenizerSource(std::move(vocabulary));
}

}  // namespace quantscope
