// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/checkpoint/model_description.h"
#include "kernels/error.h"
#include "kernels/quantized_tensor.h"
#include "kernels/tensor_statistics.h"

namespace quantscope {

/// How the bytes of a tensor are stored in a checkpoint. Those from q8_0 to tq1_0 are blocks of GGUF files
/// (kernels/formats/ggml_type.h).
enum class StoredType : std::uint8_t {
  f32,
  f16,
  bf16,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  iq4_nl,
  mxfp4,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_xs,
  iq3_s,
  iq3_xxs,
  iq2_s,
  iq2_xs,
  iq2_xxs,
  iq1_m,
  iq1_s,
  tq2_0,
  tq1_0,
  f64,
};

struct StoredTypeInfo {
  StoredType type;
  std::string_view name;      ///< "F32", "Q4_1"
  std::int64_t block_values;  ///< values of one block; 1 for plain types
  std::int64_t block_bytes;
};
const StoredTypeInfo& stored_type_info(StoredType type);
/// True for Q8_0 and the like: the stored values are themselves the result of a quantization.
bool is_block_quantized(StoredType type);

/// One tensor of a checkpoint.
struct TensorInfo {
  std::string name;         ///< Hugging Face name where there is one ("model.embed_tokens.weight"), else as stored
  std::string stored_name;  ///< "token_embd.weight"
  StoredType type = StoredType::f32;
  std::vector<std::int64_t> shape;  ///< of the decoded values; slowest dimension first, as PyTorch prints it
  std::uint64_t bytes = 0;          ///< in the file, with the scales and other tensors that belong to it
  std::uint64_t offset = 0;         ///< of its first byte in its file
  std::size_t file = 0;             ///< index into Checkpoint::files()
  /// The format in which the file keeps it, where that is a quantized one; nothing for plain values. What
  /// Checkpoint::read_stored() returns has this format.
  std::optional<WeightFormat> quantized = std::nullopt;
  /// "GPTQ 4-bit group 128": how a tensor that is made of several lies in the file; empty for others.
  std::string layout = {};

  std::int64_t rows() const;     ///< product of all dimensions but the last; 1 for vectors
  std::int64_t columns() const;  ///< last dimension
  std::int64_t count() const;
};

/// How a tensor is kept, for people: its layout, else its type ("GPTQ 4-bit group 128", "BF16").
std::string stored_form(const TensorInfo& tensor);

/// The vocabulary as GGUF stores it.
struct GgufVocabulary {
  std::string model;  ///< tokenizer.ggml.model: "gpt2", "llama"
  std::string pre;    ///< tokenizer.ggml.pre: "smollm", "llama-bpe", ...
  std::vector<std::string> tokens;
  std::vector<std::int32_t> token_types;  ///< 1 normal, 2 unknown, 3 control, 4 user defined, 5 unused, 6 byte
  std::vector<float> scores;
  std::vector<std::string> merges;
  std::optional<std::int32_t> bos_id, eos_id, eot_id, unknown_id, padding_id;
  std::optional<bool> add_bos, add_eos;
  std::optional<bool> add_space_prefix, remove_extra_whitespaces;
  std::string chat_template;
};

/// Where the tokenizer of a checkpoint comes from.
using TokenizerSource = std::variant<std::monostate, std::filesystem::path /* tokenizer.json */, GgufVocabulary>;

/// A model on disk: mapped, described, decoded tensor by tensor on demand. Opening reads headers only. Immutable and
/// safe to read from several threads.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  /// A Hugging Face folder, a .gguf file, a config.json (a plan: no tensors) or a bare .safetensors file (tensors
  /// without a model: model() has layers = 0).
  static Result<std::shared_ptr<const Checkpoint>> open(const std::filesystem::path& path);

  virtual const ModelDescription& model() const = 0;
  virtual std::span<const TensorInfo> tensors() const = 0;
  virtual std::span<const std::filesystem::path> files() const = 0;
  virtual const TokenizerSource& tokenizer() const = 0;

  /// Decodes rows [first_row, first_row + row_count) of a tensor to fp32, exactly, in Hugging Face row order (GGUF's
  /// permutation of Q and K rows undone). `values` holds row_count * columns. Fails if the file was cut while mapped.
  virtual Result<void> decode_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                                   std::span<float> values) const = 0;

  /// The 16-bit type in which copy_rows() gives the rows of a tensor; nothing where it does not.
  virtual std::optional<DataType> copied_type(const TensorInfo& tensor) const;
  /// decode_rows() without decoding. `bytes` holds row_count * columns values of copied_type().
  virtual Result<void> copy_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                                 std::span<std::byte> bytes) const;

  /// A tensor as the file keeps it: its own codes, scales and zero points, rows in Hugging Face order, codes counted in
  /// the ledger under `codes_tag`. Fails with unsupported where TensorInfo::quantized is empty.
  virtual Result<QuantizedTensor> read_stored(const TensorInfo& tensor, MemoryLedger& ledger,
                                              MemoryTag codes_tag) const;

  /// The tensor with this Hugging Face name, or null.
  const TensorInfo* find(std::string_view name) const;
  /// True when only a config.json was opened: forecasts work, running does not.
  bool is_plan() const { return tensors().empty(); }
  /// "decoded Q4_1 weights" when most linear weights are block-quantized in the file; empty for dense checkpoints.
  /// Shown beside every result that uses this checkpoint as its baseline.
  std::string baseline_note() const;
  /// xxh3 over file sizes, headers and 64 evenly spaced 4 KiB samples of each file, as 32 hex digits: identifies the
  /// checkpoint in results without reading all of it.
  virtual Result<std::string> fingerprint() const = 0;
};

}  // namespace quantscope
