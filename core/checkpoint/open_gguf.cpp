// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/open_gguf.h"

#include "core/checkpoint/fused_projections.h"
#include "core/checkpoint/gguf_model.h"
#include "core/checkpoint/gguf_names.h"
#include "core/checkpoint/gguf_parts.h"
#include "core/checkpoint/mapped_checkpoint.h"
#include "core/checkpoint/model_families.h"
#include "core/checkpoint/stored_type.h"

namespace quantscope {

Result<std::shared_ptr<const Checkpoint>> open_gguf(const std::filesystem::path& path) {
  auto parts = open_gguf_parts(path);
  if (!parts) return tl::unexpected(std::move(parts.error()));
  GgufHeader& header = parts->header;
  auto model = describe_gguf_model(header, parts->files);
  if (!model) return tl::unexpected(std::move(model.error()));
  auto vocabulary = read_gguf_vocabulary(header.metadata);
  if (!vocabulary) return tl::unexpected(std::move(vocabulary.error()));
  if (header.tensors.empty())
    return fail(ErrorCode::not_found, path.filename().string() + " holds a vocabulary but no tensors; choose a model.",
                path.string());

  CheckpointContents contents;
  contents.model = std::move(*model);
  contents.tensors = std::move(header.tensors);
  const Family* family = find_family(contents.model.family);  // the description would have failed without one
  for (TensorInfo& tensor : contents.tensors) {
    tensor.name = hugging_face_name(tensor.stored_name, *family);
    // Rows of a matrix hold whole blocks; a vector may have to be permuted inside of its blocks.
    if (is_block_quantized(tensor.type) && tensor.shape.size() > 1)
      if (const auto type = ggml_type_of(tensor.type)) tensor.quantized = ggml_format(*type);
    if (tensor.name == "model.embed_tokens.weight")
      contents.model.stored_value_bytes = tensor.type == StoredType::f32 ? 4 : 2;
  }
  contents.tokenizer = std::move(*vocabulary);
  split_fused_projections(contents.model, contents.tensors);
  contents.interleaved_heads = family->interleaved_gguf;
  contents.files = std::move(parts->files);
  return MappedCheckpoint::create(std::move(contents));
}

}  // namespace quantscope
