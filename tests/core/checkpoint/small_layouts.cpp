// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/core/checkpoint/small_layouts.h"

namespace quantscope::testing {

using nlohmann::json;

std::string zeros(std::size_t bytes) { return std::string(bytes, '\0'); }

SmallLayout nf4_layout(bool nested) {
  json state = {{"quant_type", "nf4"}, {"blocksize", 64}, {"dtype", "float16"}, {"shape", {32, 64}}};
  std::vector<float> map = {-1.0F,
                            -0.6961928009986877F,
                            -0.5250730514526367F,
                            -0.39491748809814453F,
                            -0.28444138169288635F,
                            -0.18477343022823334F,
                            -0.09105003625154495F,
                            0.0F,
                            0.07958029955625534F,
                            0.16093020141124725F,
                            0.24611230194568634F,
                            0.33791524171829224F,
                            0.44070982933044434F,
                            0.5626170039176941F,
                            0.7229568362236023F,
                            1.0F};
  std::vector<SafetensorsEntry> entries = {
      {"layer.weight", "U8", {1024, 1}, zeros(1024)},
      {"layer.weight.quant_map", "F32", {16}, raw(map)},
      {"layer.weight.absmax", nested ? "U8" : "F32", {32}, zeros(nested ? 32 : 128)}};
  if (nested) {
    state.update({{"nested_blocksize", 256}, {"nested_dtype", "float32"}, {"nested_offset", 0.5}});
    entries.push_back({"layer.weight.nested_absmax", "F32", {1}, zeros(4)});
    entries.push_back({"layer.weight.nested_quant_map", "F32", {256}, zeros(1024)});
  }
  const std::string text = state.dump();
  entries.push_back({"layer.weight.quant_state.bitsandbytes__nf4", "U8", {std::ssize(text)}, text});
  return {"bitsandbytes", entries, {}};
}

SmallLayout int8_layout() {
  return {"int8",
          {{"layer.weight", "I8", {32, 64}, zeros(2048)},
           {"layer.SCB", "F32", {32}, zeros(128)},
           {"layer.weight_format", "U8", {}, zeros(1)}},
          {}};
}

SmallLayout gptq_layout() {
  return {"gptq",
          {{"layer.qweight", "I32", {8, 32}, zeros(1024)},
           {"layer.qzeros", "I32", {2, 4}, zeros(32)},
           {"layer.scales", "F16", {2, 32}, zeros(128)},
           {"layer.g_idx", "I32", {64}, zeros(256)}},
          {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 32}}};
}

SmallLayout awq_layout(const char* version) {
  if (std::string_view(version) == "gemm")
    return {"awq",
            {{"layer.qweight", "I32", {64, 4}, zeros(1024)},
             {"layer.qzeros", "I32", {2, 4}, zeros(32)},
             {"layer.scales", "F16", {2, 32}, zeros(128)}},
            {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}, {"version", version}}};
  return {"awq",
          {{"layer.qweight", "I32", {32, 8}, zeros(1024)},
           {"layer.qzeros", "I32", {32, 1}, zeros(128)},
           {"layer.scales", "F16", {32, 8}, zeros(512)}},
          {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}, {"version", version}}};
}

namespace {
json compressed_config(const char* format, int bits) {
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"config_groups", {{"group_0", {{"weights", {{"num_bits", bits}, {"group_size", 32}}}}}}}};
}

}  // namespace

SmallLayout compressed_layout() {
  return {"compressed",
          {{"layer.weight_packed", "I32", {32, 8}, zeros(1024)},
           {"layer.weight_scale", "BF16", {32, 2}, zeros(128)},
           {"layer.weight_shape", "I64", {2}, raw(std::vector<std::int64_t>{32, 64})},
           {"layer.weight_zero_point", "I32", {4, 2}, zeros(32)}},
          compressed_config("pack-quantized", 4)};
}

SmallLayout fp8_layout() {
  return {"fp8",
          {{"layer.weight", "F8_E4M3", {32, 64}, zeros(2048)}, {"layer.weight_scale_inv", "F32", {2, 4}, zeros(32)}},
          {{"quant_method", "fp8"}, {"weight_block_size", {16, 16}}}};
}

std::vector<SmallLayout> small_layouts() {
  return {nf4_layout(false),  nf4_layout(true),   int8_layout(),       gptq_layout(),
          awq_layout("gemm"), awq_layout("gemv"), compressed_layout(), fp8_layout()};
}

}  // namespace quantscope::testing
