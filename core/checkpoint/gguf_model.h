// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_header.h"
#include "core/checkpoint/mapped_checkpoint.h"
#include "core/checkpoint/model_families.h"

namespace quantscope {

/// The model that the metadata of a GGUF file describes, validated. The rope divisors are read from `files`, which are
/// those of the header's tensors. Fails with unsupported for other architectures, rope scaling types and experts.
Result<ModelDescription> describe_gguf_model(GgufHeader& header, std::span<const CheckpointFile> files);

/// ModelDescription::query_scalar of GGUF files, which do not hold it: llama.cpp, src/models/gemma2.cpp, knows the
/// model that differs by its size.
double gguf_query_scalar(const Family& family, const ModelDescription& model);

/// The tokenizer.ggml.* keys; an empty vocabulary where the file has none.
Result<TokenizerSource> read_gguf_vocabulary(GgufMetadata& metadata);

}  // namespace quantscope
