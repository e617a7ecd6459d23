// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/experiment/setting_rules.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

DeviceDescription a_device() {
  DeviceDescription device;
  device.id = "cpu";
  device.name = "A processor";
  device.dispatch_level = "avx2";
  device.dispatch_levels = {"scalar", "avx2"};
  device.threads = 4;
  device.memory_total = device.memory_free = std::int64_t{64} << 30;
  return device;
}

ModelDescription a_model() {
  ModelDescription model;
  model.family = "llama";
  model.name = "a model";
  model.vocabulary = 1000;
  model.hidden = 64;
  model.intermediate = 128;
  model.layers = 2;
  model.heads = 4;
  model.kv_heads = 2;
  model.head_dim = 16;
  model.context = 512;
  model.tied_head = true;
  return model;
}

tl::expected<Resolved, Conflict> resolve_text(const std::string& text, const ModelDescription& model = a_model()) {
  return resolve(value_of(parse_configuration(text)), model, {}, a_device(), {256, 64});
}

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

struct Published {
  const char* configuration;
  double weights;
  double as_commonly_reported;
};

/// Llama-3.2-1B from its config.json alone.
class PublishedFigures : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedFigures, AreForecastFromTheConfigAlone) {
  QUANTSCOPE_REQUIRE_SHARED();
  const auto plan = value_of(Checkpoint::open(testing::shared_folder() / "data/configs/Llama-3.2-1B.config.json"));
  ASSERT_TRUE(plan->is_plan());
  const auto resolved = resolve(value_of(parse_configuration(GetParam().configuration)), plan->model(), plan->tensors(),
                                a_device(), {2048, 512});
  ASSERT_TRUE(resolved);
  EXPECT_NEAR(mebibytes(resolved->forecast.weights()), GetParam().weights, 0.005);
  EXPECT_NEAR(mebibytes(resolved->as_commonly_reported), GetParam().as_commonly_reported, 0.005);
}

INSTANTIATE_TEST_SUITE_P(Llama32, PublishedFigures,
                         ::testing::Values(Published{"fp16", 2357.13, 2357.13}, Published{"nf4", 1023.13, 965.13},
                                           Published{"fp4", 1023.13, 965.13}, Published{"nf4-dq", 979.86, 965.13},
                                           Published{"int8", 1430.57, 1429.13},
                                           Published{"nf4:block=32", 1081.13, 965.13},
                                           Published{"nf4:block=128", 994.13, 965.13}));

TEST(Forecast, CountsTheBitsOfAQuantizedWeight) {
  EXPECT_DOUBLE_EQ(resolve_text("nf4")->bits_per_quantized_weight, 4.5);
  QUANTSCOPE_REQUIRE_SHARED();
  const auto plan = value_of(Checkpoint::open(testing::shared_folder() / "data/configs/Llama-3.2-1B.config.json"));
  const auto resolved = resolve(value_of(parse_configuration("nf4-dq")), plan->model(), {}, a_device(), {1, 1});
  EXPECT_NEAR(resolved->bits_per_quantized_weight, 4.127, 0.0005);
}

TEST(Forecast, TheKvCacheOfOneTokenIsWhatTheShapesSay) {
  const auto resolved = resolve_text("fp16");
  EXPECT_EQ(resolved->forecast[MemoryTag::kv_cache],
            2 * 2 * 2 * 16 * 2 * 256);  // K and V, layers, heads, dim, bytes, tokens
}

TEST(Forecast, SaysWhenItIsLargerThanTheFreeMemory) {
  DeviceDescription small = a_device();
  small.memory_free = 1000;
  const auto resolved = resolve(value_of(parse_configuration("fp32")), a_model(), {}, small, {256, 64});
  ASSERT_TRUE(resolved);
  EXPECT_THAT(resolved->memory_warning, HasSubstr("are free on cpu"));
  EXPECT_TRUE(resolve_text("fp32")->memory_warning.empty());
}

/// A GPU that runs everything but 4-bit integers.
DeviceDescription a_gpu() {
  DeviceDescription gpu = a_device();
  gpu.id = "cuda:0";
  gpu.dispatch_level = "sm_90";
  gpu.dispatch_levels = {"sm_90"};
  gpu.knows_format = [](const WeightFormat& format) { return format.levels != Levels::int4; };
  return gpu;
}

const DeviceDescription& chosen(const char* text, std::span<const DeviceDescription> devices) {
  return device_for(value_of(parse_configuration(text)), a_model(), {}, devices, {256, 64});
}

TEST(Device, AutoIsTheFirstGpuThatKnowsAllFormats) {
  DeviceDescription broken = a_gpu();
  broken.unavailable = "This GPU cannot be used.";
  DeviceDescription second = a_gpu();
  second.id = "cuda:1";
  const std::vector<DeviceDescription> devices = {a_device(), broken, second};
  EXPECT_EQ(chosen("nf4", devices).id, "cuda:1");
  EXPECT_EQ(chosen("int4", devices).id, "cpu");
  EXPECT_EQ(chosen("nf4:override=down_proj=int4", devices).id, "cpu");
  EXPECT_EQ(chosen("nf4:simd=avx2", devices).id, "cpu");
  EXPECT_EQ(chosen("nf4:device=cpu", devices).id, "cpu");
  EXPECT_EQ(chosen("nf4", std::span(devices).first(2)).id, "cpu");
  const auto resolved = resolve(value_of(parse_configuration("nf4")), a_model(), {}, second, {256, 64});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->settings.device, "cuda:1");
  EXPECT_THAT(resolved->reasons.front(), HasSubstr("Device cuda:1"));
}

TEST(Device, AutoIsTheCpuWhenTheGpuHasTooLittleMemory) {
  DeviceDescription small = a_gpu();
  small.memory_free = 1000;
  const std::vector<DeviceDescription> devices = {a_device(), small};
  EXPECT_EQ(chosen("nf4", devices).id, "cpu");
  EXPECT_EQ(chosen("nf4:device=cuda:0", devices).id, "cuda:0");
}

TEST(Device, ANamedOneRefusesFormatsThatItDoesNotKnow) {
  const std::vector<DeviceDescription> devices = {a_device(), a_gpu()};
  EXPECT_EQ(chosen("int4:device=cuda", devices).id, "cuda:0");
  const auto resolved = resolve(value_of(parse_configuration("int4:device=cuda")), a_model(), {}, a_gpu(), {256, 64});
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().field, "device");
  EXPECT_EQ(resolved.error().nearest_valid, "cpu");
  EXPECT_THAT(resolved.error().why, HasSubstr("has no kernels for INT4"));
  EXPECT_EQ(chosen("nf4:device=cuda:7", devices).id, "cpu");
}

struct Refused {
  const char* configuration;
  const char* field;
  const char* nearest;
};

class Conflicts : public ::testing::TestWithParam<Refused> {};

TEST_P(Conflicts, NameTheFieldAndTheNearestValidValue) {
  const auto resolved = resolve_text(GetParam().configuration);
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().field, GetParam().field);
  EXPECT_EQ(resolved.error().nearest_valid, GetParam().nearest);
  EXPECT_FALSE(resolved.error().why.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Conflicts,
    ::testing::Values(Refused{"gptq", "method", "none"}, Refused{"nf4:block=100", "block_size", "128"},
                      Refused{"int8:block=64", "block_size", ""},
                      Refused{"fp16:double-quant=on", "double_quantization", "off"},
                      Refused{"fp16:compute=fp32", "compute", "fp16"}, Refused{"nf4:scope=(", "scope", "linears"},
                      Refused{"nf4:override=(=int4", "override", ""}, Refused{"fp16:head=same", "head", "keep"},
                      Refused{"nf4:device=cuda", "device", "cpu"}, Refused{"nf4:simd=avx512", "simd", "auto"},
                      Refused{"nf4:threads=5000", "threads", "0"}, Refused{"nf4:context=4096", "context", "512"}));

TEST(Resolve, FillsEveryDefault) {
  const auto resolved = resolve_text("nf4");
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->settings.block_size, 64);
  EXPECT_EQ(resolved->settings.compute, ComputeType::bf16);
  EXPECT_EQ(resolved->settings.kv_type, DataType::bf16);
  EXPECT_EQ(resolved->settings.threads, 4);
  EXPECT_EQ(resolved->settings.simd, "avx2");
  EXPECT_EQ(resolve_text("fp32")->settings.compute, ComputeType::fp32);
}

TEST(Resolve, OnlyLinearsAreQuantizedUnlessTold) {
  const auto resolved = resolve_text("nf4");
  for (const PlannedWeight& weight : resolved->plan.weights)
    EXPECT_EQ(weight.format.levels == Levels::nf4, weight.slot.role == WeightRole::linear) << weight.slot.name;
  const auto all = resolve_text("nf4:scope=all");
  EXPECT_EQ(all->plan.weights.front().format.levels, Levels::nf4);
  EXPECT_EQ(all->plan.weights.front().tag, MemoryTag::embedding);
}

TEST(Resolve, OverridesAndScopeGoByName) {
  const auto resolved = resolve_text("nf4:scope=self_attn,override=o_proj=int8-weight");
  const auto weight = [&](const std::string& part) {
    return *std::find_if(
        resolved->plan.weights.begin(), resolved->plan.weights.end(),
        [&](const PlannedWeight& planned) { return planned.slot.name.find(part) != std::string::npos; });
  };
  EXPECT_EQ(weight("o_proj").format.levels, Levels::int8);
  EXPECT_EQ(weight("q_proj").format.levels, Levels::nf4);
  EXPECT_EQ(weight("gate_proj").tag, MemoryTag::unquantized);
  EXPECT_EQ(weight("gate_proj").format.levels, Levels::identity);
}

TEST(Choices, DisabledOnesSayWhy) {
  const auto nf4 = value_of(parse_configuration("nf4"));
  for (const Choice& choice : choices(nf4, "block_size", a_model(), {}, a_device())) EXPECT_TRUE(choice.enabled);
  for (const char* field :
       {"method", "type", "block_size", "double_quantization", "compute", "kv_type", "scope", "head"}) {
    const auto fp16 = value_of(parse_configuration("fp16"));
    const auto list = choices(fp16, field, a_model(), {}, a_device());
    EXPECT_FALSE(list.empty()) << field;
    for (const Choice& choice : list) EXPECT_EQ(choice.enabled, choice.why_not.empty()) << field << " " << choice.value;
  }
}

TEST(Choices, EveryTypeIsReachableFromEveryOther) {
  for (const ConfigurationName& entry : configuration_names()) {
    if (!entry.in_compare_all) continue;
    const auto settings = value_of(parse_configuration(entry.name));
    for (const DataTypeInfo& info : data_types)
      EXPECT_TRUE(resolve(with_type(settings, info.type), a_model(), {}, a_device(), {256, 64}))
          << entry.name << " to " << info.name;
  }
}

/// Every linear of the model as the given format, everything else as plain BF16.
std::vector<TensorInfo> stored_in(const ModelDescription& model, const WeightFormat& format) {
  std::vector<TensorInfo> tensors;
  for (const WeightSlot& slot : weight_slots(model)) {
    TensorInfo tensor;
    tensor.name = slot.name;
    tensor.type = StoredType::bf16;
    tensor.shape = {slot.rows, slot.columns};
    if (slot.role == WeightRole::linear) tensor.quantized = format;
    tensors.push_back(tensor);
  }
  return tensors;
}

tl::expected<Resolved, Conflict> resolve_stored(const std::string& text, const WeightFormat& format) {
  return resolve(value_of(parse_configuration(text)), a_model(), stored_in(a_model(), format), a_device(), {256, 64});
}

TEST(ResolveAsStored, TakesEveryFormatFromTheCheckpoint) {
  const WeightFormat format = block_format(DataType::nf4, 128, true);
  const auto resolved = resolve_stored("as-stored", format);
  ASSERT_TRUE(resolved.has_value());
  for (const PlannedWeight& weight : resolved->plan.weights) {
    const bool linear = weight.slot.role == WeightRole::linear;
    EXPECT_EQ(weight.as_stored, linear) << weight.slot.name;
    EXPECT_EQ(weight.format, linear ? format : dense_format(DataType::bf16)) << weight.slot.name;
  }
  EXPECT_EQ(resolved->plan.compute, ComputeType::bf16);
  EXPECT_THAT(resolved->reasons, ::testing::Contains("As stored: 14 linears in NF4 block 128, double quantization."));
  EXPECT_EQ(resolve_stored("as-stored:compute=fp32", format)->plan.compute, ComputeType::fp32);
}

TEST(ResolveAsStored, DenseWeightsAreComputedInTheirOwnType) {
  const auto fp16 = resolve_stored("as-stored", dense_format(DataType::fp16));
  ASSERT_TRUE(fp16.has_value());
  EXPECT_EQ(fp16->plan.compute, ComputeType::fp16);
  const auto fp32 = resolve_stored("as-stored", dense_format(DataType::fp32));
  EXPECT_EQ(fp32->plan.compute, ComputeType::fp32);
}

TEST(ResolveAsStored, WeightsOfLlmInt8RunAsLlmInt8) {
  const auto resolved = resolve_stored("as-stored", int8_row_format());
  ASSERT_TRUE(resolved.has_value());
  for (const PlannedWeight& weight : resolved->plan.weights)
    EXPECT_EQ(weight.activations == ActivationMode::int8_outliers, weight.slot.role == WeightRole::linear);
  EXPECT_THAT(resolved->reasons, ::testing::Contains(HasSubstr("Activations are quantized by token")));
}

TEST(ResolveAsStored, RefusesSettingsThatWouldDecideAFormatAndPlans) {
  const WeightFormat format = block_format(DataType::nf4, 64, false);
  for (const auto& [text, field] : {std::pair{"as-stored:block=64", "block_size"},
                                    {"as-stored:double-quant=on", "double_quantization"},
                                    {"as-stored:scope=all", "scope"},
                                    {"as-stored:head=int8", "head"},
                                    {"as-stored:override=q_proj=fp16", "override"}}) {
    const auto resolved = resolve_stored(text, format);
    ASSERT_FALSE(resolved.has_value()) << text;
    EXPECT_EQ(resolved.error().field, field);
  }
  const auto plan = resolve_text("as-stored");
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().field, "method");
}

TEST(ResolveAsStored, OtherMethodsDecodeWhatIsStored) {
  const auto resolved = resolve_stored("fp16", block_format(DataType::nf4, 64, false));
  ASSERT_TRUE(resolved.has_value());
  for (const PlannedWeight& weight : resolved->plan.weights) EXPECT_FALSE(weight.as_stored);
}

TEST(ResolveAsStored, ChoosingAnotherTypeLeavesTheMethodAndChoosingTheMethodClearsTheRest) {
  Settings settings = value_of(parse_configuration("as-stored"));
  EXPECT_EQ(with_type(settings, DataType::nf4).method, Method::bitsandbytes);
  EXPECT_EQ(with_type(settings, DataType::int4).method, Method::none);
  const auto stored = stored_in(a_model(), block_format(DataType::nf4, 64, false));
  const auto methods =
      choices(value_of(parse_configuration("nf4-dq:head=int8")), "method", a_model(), stored, a_device());
  const auto choice = std::ranges::find(methods, "as-stored", &Choice::value);
  ASSERT_NE(choice, methods.end());
  EXPECT_TRUE(choice->enabled) << choice->why_not;
}

TEST(Resolve, SaysThatASlidingWindowDoesNotShrinkTheCache) {
  ModelDescription model = a_model();
  const auto plain = resolve_text("nf4", model);
  model.attention = {{8, true}, {0, true}};
  const auto windowed = resolve_text("nf4", model);
  ASSERT_TRUE(plain && windowed);
  EXPECT_EQ(windowed->forecast[MemoryTag::kv_cache], plain->forecast[MemoryTag::kv_cache]);
  EXPECT_THAT(windowed->reasons, ::testing::Contains(HasSubstr("sliding window")));
  EXPECT_THAT(plain->reasons, ::testing::Not(::testing::Contains(HasSubstr("sliding window"))));
}

TEST(Resolve, KeepsTheNormsOfQueriesKeysAndOutputsAsNorms) {
  ModelDescription model = a_model();
  model.query_key_norm = model.post_norms = true;
  const auto resolved = resolve_text("nf4", model);
  ASSERT_TRUE(resolved);
  const std::int64_t norms = model.layers * (4 * model.hidden + 2 * model.head_dim) + model.hidden;
  EXPECT_EQ(resolved->forecast[MemoryTag::norms], norms * model.stored_value_bytes);
}

}  // namespace
}  // namespace quantscope
