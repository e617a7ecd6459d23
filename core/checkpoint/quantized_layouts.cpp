// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/quantized_layouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/checkpoint/awq_layout.h"
#include "core/checkpoint/bitsandbytes_4bit.h"
#include "core/checkpoint/bitsandbytes_8bit.h"
#include "core/checkpoint/compressed_tensors_layout.h"
#include "core/checkpoint/fp8_layout.h"
#include "core/checkpoint/gptq_layout.h"

namespace quantscope {
namespace {

Result<void> find_bitsandbytes(const FileTensors& tensors, const QuantizationConfig*, QuantizedWeights& found) {
  if (auto done = find_bitsandbytes_4bit(tensors, found); !done) return done;
  return find_bitsandbytes_8bit(tensors, found);
}

Result<void> find_gptq(const FileTensors& tensors, const QuantizationConfig* config, QuantizedWeights& found) {
  return find_gptq_weights(tensors, *config, found);
}

Result<void> find_awq(const FileTensors& tensors, const QuantizationConfig* config, QuantizedWeights& found) {
  return find_awq_weights(tensors, *config, found);
}

Result<void> find_compressed(const FileTensors& tensors, const QuantizationConfig* config, QuantizedWeights& found) {
  return find_compressed_tensors_weights(tensors, *config, found);
}

Result<void> find_fp8(const FileTensors& tensors, const QuantizationConfig* config, QuantizedWeights& found) {
  return find_fp8_weights(tensors, *config, found);
}

struct Layout {
  std::string_view method;
  Result<void> (*find)(const FileTensors& tensors, const QuantizationConfig* config, QuantizedWeights& found);
};
constexpr std::array<Layout, 5> layouts = {{{"bitsandbytes", find_bitsandbytes},
                                            {"gptq", find_gptq},
                                            {"awq", find_awq},
                                            {"compressed-tensors", find_compressed},
                                            {"fp8", find_fp8}}};

Result<const Layout*> layout_of(const QuantizationConfig& config) {
  const auto method = config.method();
  if (!method) return tl::unexpected(method.error());
  const auto* found = std::ranges::find(layouts, *method, &Layout::method);
  if (found != layouts.end()) return found;
  return config.unsupported("quant_method",
                            fmt::format("is '{}', which is not read; read are bitsandbytes, gptq, awq, "
                                        "compressed-tensors and fp8, so open the unquantized checkpoint",
                                        *method));
}

}  // namespace

Result<void> check_quantization_method(const QuantizationConfig& config) {
  if (auto layout = layout_of(config); !layout) return tl::unexpected(std::move(layout.error()));
  return {};
}

Result<QuantizedWeights> find_quantized_weights(const FileTensors& tensors, const QuantizationConfig* config) {
  QuantizedWeights found;
  auto find = find_bitsandbytes;
  if (config != nullptr) {
    const auto layout = layout_of(*config);
    if (!layout) return tl::unexpected(layout.error());
    find = (*layout)->find;
  }
  if (auto done = find(tensors, config, found); !done) return tl::unexpected(std::move(done.error()));
  return found;
}

}  // namespace quantscope
