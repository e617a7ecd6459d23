// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <array>

#include "app/cli/checkpoint_writers.h"
#include "core/checkpoint/gguf_export.h"
#include "core/tokenizer/gguf_vocabulary.h"

namespace quantscope::cli {
namespace {

/// Settings whose weights GGUF holds exactly, and for the others the type that comes nearest.
struct NearestType {
  DataType type;
  GgmlType ggml;
  bool same;
};
constexpr std::array<NearestType, 7> nearest_types = {{{DataType::fp32, GgmlType::f32, true},
                                                       {DataType::fp16, GgmlType::f16, true},
                                                       {DataType::bf16, GgmlType::bf16, true},
                                                       {DataType::int8, GgmlType::q8_0, false},
                                                       {DataType::int4, GgmlType::q4_0, false},
                                                       {DataType::nf4, GgmlType::iq4_nl, false},
                                                       {DataType::fp4, GgmlType::q4_0, false}}};

Result<std::optional<GgmlType>> type_named(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (const auto type = parse_ggml_type(name)) return type;
  std::string known;
  for (const GgmlTypeInfo& info : ggml_types)
    if (info.can_encode) known += fmt::format("{}{}", known.empty() ? "" : ", ", info.key);
  return fail(ErrorCode::invalid_argument, fmt::format("There is no GGUF type '{}'; there are {}.", name, known));
}

/// The type of the linear weights; nothing for as-stored.
Result<std::optional<GgmlType>> linear_type(const WriteRequest& request) {
  if (!request.options.gguf_type.empty()) {
    if (!request.settings_given) return type_named(request.options.gguf_type);
    return fail(ErrorCode::invalid_argument,
                "Both a configuration and --gguf-type say how to store the weights; give one of them.");
  }
  if (!request.settings_given || request.settings.method == Method::as_stored) return std::nullopt;
  for (const NearestType& nearest : nearest_types) {
    if (nearest.type != request.settings.type) continue;
    if (nearest.same) return nearest.ggml;
    return fail(ErrorCode::invalid_argument,
                fmt::format("GGUF has no type that holds the codes and scales of {}; the nearest is --gguf-type {}.",
                            configuration_text(request.settings), ggml_type_info(nearest.ggml).key));
  }
  return std::nullopt;
}

}  // namespace

Result<void> write_gguf_file(const WriteRequest& request) {
  const auto linears = linear_type(request);
  if (!linears) return tl::unexpected(linears.error());
  const auto embedding = type_named(request.options.gguf_embedding_type);
  if (!embedding) return tl::unexpected(embedding.error());
  const auto vocabulary = gguf_vocabulary(request.checkpoint);
  if (!vocabulary) return tl::unexpected(vocabulary.error());
  return write_gguf(request.checkpoint, *vocabulary, {*linears, *embedding}, request.backend, request.out,
                    request.progress, request.stop);
}

}  // namespace quantscope::cli
