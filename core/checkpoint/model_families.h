// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/checkpoint/model_description.h"

namespace quantscope {

/// Which layers have a sliding window where config.json has no layer_types.
enum class WindowRule : std::uint8_t {
  none,
  all,           ///< every layer, if there is a window at all
  last_layers,   ///< those from max_window_layers on, if use_sliding_window
  every_second,  ///< layers 0, 2, 4 ...
  unrotated,     ///< those without rotary embedding, if use_sliding_window
};

/// What a family does that its files do not say, and what its files may leave out. To add a family that is made of the
/// same parts, add a row in model_families.cpp and a proof in tests/core/model/architectures_test.cpp.
/// Sources: Hugging Face transformers, models/NAME/configuration_NAME.py and modeling_NAME.py; llama.cpp, conversion/
/// and src/models/.
struct Family {
  std::string_view name;              ///< model_type of config.json and general.architecture of GGUF
  std::string_view architecture;      ///< of config.json
  std::string_view written_as = {};   ///< the family that its GGUF files go by, where it is another one
  bool interleaved_gguf = false;      ///< GGUF files interleave the rows of Q and K heads, see CheckpointContents
  bool gguf_extras = false;           ///< llama.cpp reads rope divisors and the biases of output projection and MLP
  bool qkv_bias = false;              ///< always; attention_bias of config.json does not count then
  bool reads_attention_bias = false;  ///< attention_bias of config.json gives q, k, v and o a bias
  bool reads_mlp_bias = false;
  bool reads_layer_types = false;
  bool query_key_norm = false;
  bool post_norms = false;
  bool norm_offset = false;  ///< stored norm weights of Hugging Face files are offsets from 1; GGUF's are not
  bool scaled_embedding = false;
  bool fused_projections = false;
  std::int64_t no_rope_interval = 0;  ///< default of no_rope_layer_interval; 0 = all layers rotate
  WindowRule windows = WindowRule::none;
  GateActivation activation = GateActivation::silu;
  // Defaults of absent fields. 0: as many kv heads as heads; hidden / heads; no window; no cap.
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t context = 0;
  std::int64_t window = 0;
  double theta = 10000.0;
  double norm_epsilon = 1e-6;
  double attention_soft_cap = 0.0;
  double logit_soft_cap = 0.0;
  std::int64_t query_scalar = 0;  ///< attention scores are scaled by its inverse root; 0 = the head size
  bool tied_head = false;
};

std::span<const Family> families();
/// The family of this name, or null.
const Family* find_family(std::string_view name);
/// The family that GGUF files of `family` go by.
const Family& gguf_family(const Family& family);
/// "llama, mistral, qwen2 ..."; with `gguf`, those that GGUF files name.
std::string family_names(bool gguf);

/// Sets what the family alone decides.
void apply_family(const Family& family, ModelDescription& model);

}  // namespace quantscope
