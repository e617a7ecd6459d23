// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/mapped_file.h"

namespace quantscope {

/// A file of a checkpoint and how much of it is header: what stands before its first tensor, or all of a JSON file.
struct CheckpointFile {
  MappedFile mapping;
  std::uint64_t header_bytes = 0;
};

class StoredWeight;

/// A quantized weight among the contents and the files that it lies in.
struct StoredEntry {
  std::shared_ptr<const StoredWeight> weight;
  std::vector<std::size_t> files;
};

/// What a reader found; the makings of a MappedCheckpoint.
struct CheckpointContents {
  ModelDescription model;
  std::vector<TensorInfo> tensors;
  std::vector<CheckpointFile> files;
  TokenizerSource tokenizer;
  std::unordered_map<std::string, StoredEntry> stored;  ///< by name of the tensor, which is then `quantized`
  /// True for GGUF files of llama and smollm3: the rows of each head of Q and K are interleaved, row 2j + p of a
  /// head being row p * head_dim / 2 + j in Hugging Face order. Source: llama.cpp, conversion/llama.py, permute().
  bool interleaved_heads = false;
};

/// A checkpoint over mapped files, whatever their format.
class MappedCheckpoint final : public Checkpoint {
 public:
  /// Checks that every weight of the model is among the tensors (if there are any) in its shape.
  static Result<std::shared_ptr<const Checkpoint>> create(CheckpointContents contents);

  const ModelDescription& model() const override { return contents_.model; }
  std::span<const TensorInfo> tensors() const override { return contents_.tensors; }
  std::span<const std::filesystem::path> files() const override { return paths_; }
  const TokenizerSource& tokenizer() const override { return contents_.tokenizer; }
  Result<void> decode_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                           std::span<float> values) const override;
  std::optional<DataType> copied_type(const TensorInfo& tensor) const override;
  Result<void> copy_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                         std::span<std::byte> bytes) const override;
  Result<QuantizedTensor> read_stored(const TensorInfo& tensor, MemoryLedger& ledger,
                                      MemoryTag codes_tag) const override;
  Result<std::string> fingerprint() const override;

 private:
  explicit MappedCheckpoint(CheckpointContents contents);
  bool is_interleaved(const TensorInfo& tensor) const;
  Result<void> index_tensors();
  Result<void> check_slots() const;
  Result<void> check_head_rows() const;
  void decode_interleaved(const TensorInfo& tensor, std::int64_t first_row, std::span<float> values) const;
  const std::byte* data(const TensorInfo& tensor) const;
  /// Our own record of a tensor, once its file was not cut. The caller's record may belong to another checkpoint.
  Result<const TensorInfo*> find_own(const TensorInfo& tensor) const;
  /// find_own() of a tensor that has these rows, of `values` values altogether.
  Result<const TensorInfo*> find_rows(const TensorInfo& tensor, std::int64_t first_row, std::int64_t row_count,
                                      std::size_t values) const;
  /// Its entry, once none of its files was cut; null for plain tensors.
  Result<const StoredEntry*> find_stored(const TensorInfo& tensor) const;

  CheckpointContents contents_;
  std::vector<std::filesystem::path> paths_;
  std::unordered_map<std::string_view, const TensorInfo*> by_name_;
};

}  // namespace quantscope
