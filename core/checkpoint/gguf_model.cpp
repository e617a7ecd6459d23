// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/gguf_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/checkpoint/file_damage.h"
#include "core/checkpoint/stored_type.h"

namespace quantscope {
namespace {

std::string file_name(const GgufMetadata& metadata) { return metadata.file().filename().string(); }

tl::unexpected<Error> unsupported(const GgufMetadata& metadata, std::string_view key, std::string_view what) {
  return fail(ErrorCode::unsupported, fmt::format("{} {}.", file_name(metadata), what),
              fmt::format("{}, {}", metadata.file().string(), key));
}

Result<void> check_architecture(GgufMetadata& metadata) {
  const std::string architecture = metadata.text("general.architecture");
  if (auto status = metadata.status(); !status) return status;
  if (architecture.empty())
    return fail(ErrorCode::not_found,
                fmt::format("{} has no metadata key 'general.architecture'; it holds no model.", file_name(metadata)),
                metadata.file().string());
  if (architecture != "llama")
    return unsupported(
        metadata, "general.architecture",
        fmt::format("has the architecture '{}', which is not supported; supported is 'llama'", architecture));
  const std::int64_t parts = metadata.optional_integer("split.count").value_or(1);
  if (parts > 1)
    return unsupported(metadata, "split.count",
                       fmt::format("is one of {} parts of a model; join them first (llama-gguf-split --merge)", parts));
  return metadata.status();
}

Result<void> check_variants(GgufMetadata& metadata, const ModelDescription& model) {
  const std::string scaling = metadata.text("llama.rope.scaling.type");
  if (!scaling.empty() && scaling != "none")
    return unsupported(metadata, "llama.rope.scaling.type",
                       fmt::format("scales its rotary embedding by '{}', which is not supported", scaling));
  if (metadata.optional_number("llama.rope.scale_linear").value_or(1.0) != 1.0)
    return unsupported(metadata, "llama.rope.scale_linear",
                       "scales its rotary embedding by 'linear', which is not supported");
  if (metadata.optional_integer("llama.expert_count").value_or(0) > 0)
    return unsupported(metadata, "llama.expert_count", "is a mixture of experts, which is not supported");
  const std::int64_t rotated = metadata.optional_integer("llama.rope.dimension_count").value_or(model.head_dim);
  const std::int64_t values = metadata.optional_integer("llama.attention.value_length").value_or(model.head_dim);
  if (auto status = metadata.status(); !status) return status;
  if (rotated != model.head_dim || values != model.head_dim)
    return unsupported(metadata, "llama.rope.dimension_count",
                       fmt::format("has heads of {} elements with {} rotated and {} per value; only equal sizes are "
                                   "supported",
                                   model.head_dim, rotated, values));
  return {};
}

const TensorInfo* find_tensor(const GgufHeader& header, std::string_view stored_name) {
  const auto found = std::ranges::find(header.tensors, stored_name, &TensorInfo::stored_name);
  return found == header.tensors.end() ? nullptr : &*found;
}

std::int64_t head_size(GgufMetadata& metadata, const ModelDescription& model) {
  if (const auto key_length = metadata.optional_integer("llama.attention.key_length")) return *key_length;
  if (const auto rotated = metadata.optional_integer("llama.rope.dimension_count")) return *rotated;
  return model.heads > 0 ? model.hidden / model.heads : 0;
}

std::int64_t vocabulary_size(GgufMetadata& metadata) {
  if (const auto size = metadata.optional_integer("llama.vocab_size")) return *size;
  const GgufValue* tokens = metadata.find("tokenizer.ggml.tokens");
  return tokens != nullptr && tokens->is_array ? static_cast<std::int64_t>(tokens->count) : 0;
}

void read_sizes(GgufMetadata& metadata, ModelDescription& model) {
  model.vocabulary = vocabulary_size(metadata);
  model.hidden = metadata.integer("llama.embedding_length");
  model.intermediate = metadata.integer("llama.feed_forward_length");
  model.layers = metadata.integer("llama.block_count");
  model.heads = metadata.integer("llama.attention.head_count");
  model.kv_heads = metadata.optional_integer("llama.attention.head_count_kv").value_or(model.heads);
  model.head_dim = head_size(metadata, model);
  model.context = metadata.integer("llama.context_length");
}

Result<std::vector<float>> read_rope_divisors(const GgufHeader& header, std::span<const std::byte> bytes) {
  const TensorInfo* tensor = find_tensor(header, "rope_freqs.weight");
  if (tensor == nullptr) return std::vector<float>();
  if (tensor->type != StoredType::f32 || tensor->shape.size() != 1)
    return file_damage(header.metadata.file(), tensor->offset, "it is not a vector of F32", tensor->name);
  std::vector<float> divisors(static_cast<std::size_t>(tensor->count()));
  decode_stored(tensor->type, bytes.data() + tensor->offset, divisors);
  return divisors;
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

Result<ModelDescription> describe_gguf_model(GgufHeader& header, std::span<const std::byte> bytes) {
  GgufMetadata& metadata = header.metadata;
  if (auto known = check_architecture(metadata); !known) return tl::unexpected(std::move(known.error()));
  ModelDescription model;
  model.family = "llama";
  model.name = metadata.text("general.name");
  if (model.name.empty()) model.name = metadata.file().stem().string();
  model.license = metadata.text("general.license");
  read_sizes(metadata, model);
  model.norm_epsilon =
      static_cast<float>(metadata.optional_number("llama.attention.layer_norm_rms_epsilon").value_or(1e-5));
  model.rope.theta = metadata.optional_number("llama.rope.freq_base").value_or(10000.0);
  model.tied_head = find_tensor(header, "output.weight") == nullptr;
  model.attention_bias = find_tensor(header, "blk.0.attn_q.bias") != nullptr;
  model.mlp_bias = find_tensor(header, "blk.0.ffn_gate.bias") != nullptr;
  model.end_ids = end_tokens(metadata);
  if (auto status = metadata.status(); !status) return tl::unexpected(std::move(status.error()));
  if (auto variants = check_variants(metadata, model); !variants) return tl::unexpected(std::move(variants.error()));
  auto divisors = read_rope_divisors(header, bytes);
  if (!divisors) return tl::unexpected(std::move(divisors.error()));
  model.rope.divisors = std::move(*divisors);
  if (auto valid = validate(model, file_name(metadata)); !valid) return tl::unexpected(std::move(valid.error()));
  return model;
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
