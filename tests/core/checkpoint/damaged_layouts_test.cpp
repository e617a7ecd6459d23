// SPDX-License-Identifier: GPL-3.0-or-later
// Quantized weights whose tensors are missing or do not fit one another: a sentence that names the tensor and the
// place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/checkpoint/small_checkpoints.h"
#include "tests/core/checkpoint/small_layouts.h"
#include "tests/core/checkpoint/stored_layers.h"

namespace quantscope::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
/// What reading the layer gives; empty when it is read.
std::string message_of(const SmallLayout& layer) {
  const TemporaryFolder folder;
  const auto read = read_layers(folder.write("model.safetensors", safetensors_file(layer.entries)), layer.config);
  if (!read.found) return read.found.error().message + " @ " + read.found.error().where;
  for (const QuantizedWeights::Weight& weight : read.found->weights) EXPECT_FALSE(decoded_as_stored(weight).empty());
  return {};
}

TEST(DamagedLayouts, AreReadWhileWhole) {
  for (const SmallLayout& layer : small_layouts()) EXPECT_EQ(message_of(layer), "") << layer.name;
}

bool is_optional(const std::string& name) {
  return name.ends_with("g_idx") || name.ends_with("weight_format") || name.ends_with("zero_point");
}
/// Without it nothing says that there is a quantized weight.
bool is_mark(const std::string& name) {
  return name.find("quant_state") != std::string::npos || name.ends_with("SCB") || name.ends_with("qweight") ||
         name.ends_with("weight_packed") || name.ends_with("weight_scale_inv");
}

TEST(DamagedLayouts, NameTheTensorThatIsMissing) {
  for (const SmallLayout& whole : small_layouts())
    for (std::size_t i = 0; i < whole.entries.size(); ++i) {
      SmallLayout layer = whole;
      const std::string name = layer.entries[i].name;
      layer.entries.erase(layer.entries.begin() + static_cast<std::ptrdiff_t>(i));
      if (is_optional(name) || is_mark(name)) continue;
      EXPECT_THAT(message_of(layer), HasSubstr(name)) << whole.name;
    }
}

TEST(DamagedLayouts, NameTheTensorWhoseShapeOrTypeIsWrong) {
  for (const SmallLayout& whole : small_layouts())
    for (std::size_t i = 0; i < whole.entries.size(); ++i) {
      const std::string name = whole.entries[i].name;
      SmallLayout shorter = whole;
      SafetensorsEntry& entry = shorter.entries[i];
      // As many tiles cover one row less.
      const bool still_fits = whole.name == "fp8" && name == "layer.weight";
      if (!entry.shape.empty() && !still_fits) {
        const std::size_t row = entry.data.size() / static_cast<std::size_t>(entry.shape[0]);
        entry.data.resize(entry.data.size() - row);
        --entry.shape[0];
        // A shorter quantized matrix does not fit its companions, whichever of them is named.
        EXPECT_THAT(message_of(shorter), HasSubstr("layer.")) << whole.name << ", " << name;
        EXPECT_THAT(message_of(shorter), HasSubstr("byte")) << whole.name << ", " << name;
      }
      SmallLayout doubled = whole;
      doubled.entries[i].dtype = "F64";
      doubled.entries[i].shape = {1, 1};
      doubled.entries[i].data = zeros(8);
      EXPECT_THAT(message_of(doubled), HasSubstr(name)) << whole.name;
    }
}

void replace(SmallLayout& layer, const std::string& suffix, const std::string& data) {
  for (SafetensorsEntry& entry : layer.entries)
    if (entry.name.ends_with(suffix)) entry.data = data;
}

TEST(DamagedLayouts, RefuseValuesThatCannotBe) {
  SmallLayout gptq = gptq_layout();
  replace(gptq, "g_idx", raw(std::vector<std::int32_t>(64, 2)));
  EXPECT_THAT(message_of(gptq), HasSubstr("element 0 is 2, and there are 2 groups"));
  SmallLayout old = int8_layout();
  replace(old, "weight_format", "\1");
  EXPECT_THAT(message_of(old), HasSubstr("old GPU"));
  SmallLayout other_levels = nf4_layout(false);
  replace(other_levels, "quant_map", zeros(64));
  EXPECT_THAT(message_of(other_levels), HasSubstr("levels"));
  SmallLayout shape = compressed_layout();
  replace(shape, "weight_shape", raw(std::vector<std::int64_t>{-32, 64}));
  EXPECT_THAT(message_of(shape), HasSubstr("layer.weight_shape"));
}

// What bitsandbytes writes when a model is saved after a forward pass on the CPU.
TEST(DamagedLayouts, RefuseAnAbsmaxThatTheCpuSpoiled) {
  SmallLayout layer = nf4_layout(false);
  for (SafetensorsEntry& entry : layer.entries)
    if (entry.name.ends_with(".absmax")) entry = {entry.name, "BF16", {1, 32}, zeros(64)};
  EXPECT_THAT(message_of(layer), HasSubstr("saved after it ran on the CPU"));
}

SmallLayout with_state(const json& fields) {
  SmallLayout layer = nf4_layout(true);
  json state = json::parse(layer.entries.back().data);
  state.update(fields);
  const std::string text = state.dump();
  layer.entries.back() = {layer.entries.back().name, "U8", {std::ssize(text)}, text};
  return layer;
}

TEST(DamagedLayouts, NameTheFieldOfTheQuantState) {
  EXPECT_EQ(message_of(with_state({{"dtype", "bfloat16"}})), "");
  EXPECT_THAT(message_of(with_state({{"quant_type", "fp4"}})), HasSubstr("'quant_type'"));
  EXPECT_THAT(message_of(with_state({{"blocksize", 0}})), HasSubstr("'blocksize'"));
  EXPECT_THAT(message_of(with_state({{"shape", {32, -64}}})), HasSubstr("'shape'"));
  EXPECT_THAT(message_of(with_state({{"shape", {32, 65}}})), HasSubstr("layer.weight"));
  EXPECT_THAT(message_of(with_state({{"nested_blocksize", 128}})), HasSubstr("nested blocks of 128"));
  EXPECT_THAT(message_of(with_state({{"nested_offset", "x"}})), HasSubstr("'nested_offset'"));
}

TEST(DamagedLayouts, RefuseSettingsThatAreNotReadByName) {
  const auto gptq = [](const json& fields) {
    SmallLayout layer = gptq_layout();
    layer.config.update(fields);
    return message_of(layer);
  };
  EXPECT_THAT(gptq({{"bits", 5}}), HasSubstr("'bits'"));
  EXPECT_THAT(gptq({{"checkpoint_format", "marlin"}}), HasSubstr("'marlin'"));
  EXPECT_THAT(gptq({{"group_size", -5}}), HasSubstr("'group_size'"));
  EXPECT_THAT(gptq({{"dynamic", {{"+:lm_head", json::object()}}}}), HasSubstr("'dynamic'"));
  EXPECT_THAT(gptq({{"quant_method", "quip"}}), HasSubstr("'quip'"));
  EXPECT_THAT(gptq({{"quant_method", nullptr}}), HasSubstr("'quant_method'"));
  SmallLayout awq = awq_layout("gemm");
  awq.config["version"] = "gemv_fast";
  EXPECT_THAT(message_of(awq), HasSubstr("'gemv_fast'"));
  SmallLayout compressed = compressed_layout();
  compressed.config["format"] = "nvfp4-pack-quantized";
  EXPECT_THAT(message_of(compressed), HasSubstr("'nvfp4-pack-quantized'"));
  compressed = compressed_layout();
  compressed.config["config_groups"]["group_1"] = compressed.config["config_groups"]["group_0"];
  EXPECT_THAT(message_of(compressed), HasSubstr("several groups"));
  SmallLayout fp8 = fp8_layout();
  fp8.config["weight_block_size"] = {16, 32};
  EXPECT_THAT(message_of(fp8), HasSubstr("only squares"));
}

}  // namespace
}  // namespace quantscope::testing
