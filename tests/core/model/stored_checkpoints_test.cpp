// SPDX-License-Identifier: GPL-3.0-or-later
// Whole checkpoints that bitsandbytes stored, run with their own codes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/experiment/weight_planner.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using testing::LoadedModel;
using testing::OracleFile;
using testing::read_oracle;

std::filesystem::path folder_of(const std::string& name) {
  return testing::shared_folder() / "reference/bitsandbytes" / name;
}

double standard_deviation(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = static_cast<double>(values.size()), mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean));
}

/// The manifest's tolerance: 2e-4 of the spread of the logits.
void expect_logits(LoadedModel& model, const OracleFile& oracle) {
  int compared = 0;
  for (int i = 0; oracle.contains("ids_" + std::to_string(i)); ++i, ++compared) {
    const auto logits = model.logits(oracle.at("ids_" + std::to_string(i)).as<std::int32_t>());
    const auto expected = oracle.at("logits_fp32_" + std::to_string(i)).as<float>();
    ASSERT_EQ(logits.size(), expected.size());
    double largest = 0;
    for (std::size_t at = 0; at < expected.size(); ++at)
      largest = std::max(largest, static_cast<double>(std::abs(logits[at] - expected[at])));
    EXPECT_LE(largest, 2e-4 * std::max(1.0, standard_deviation(expected))) << "sequence " << i;
  }
  EXPECT_GE(compared, 2);
}

class StoredCheckpoint : public ::testing::TestWithParam<const char*> {};

TEST_P(StoredCheckpoint, DecodesToTheLibrarysMatrices) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(folder_of(std::string(GetParam()) + ".outputs.safetensors"));
  const auto checkpoint = testing::value_of(Checkpoint::open(folder_of(GetParam())));
  const bool int8 = std::string_view(GetParam()).ends_with("int8");
  int compared = 0;
  for (const auto& [key, expected] : oracle) {
    if (!key.starts_with("decoded.")) continue;
    std::string name = key.substr(std::string_view("decoded.").size());
    if (checkpoint->find(name) == nullptr) name += ".weight";
    const TensorInfo* tensor = checkpoint->find(name);
    ASSERT_NE(tensor, nullptr) << name;
    ASSERT_TRUE(tensor->quantized) << name;
    std::vector<float> values(static_cast<std::size_t>(tensor->count()));
    ASSERT_TRUE(checkpoint->decode_rows(*tensor, 0, tensor->rows(), values));
    const auto wanted = expected.as<float>();
    ASSERT_EQ(values.size(), wanted.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_LE(std::abs(values[i] - wanted[i]), int8 ? 1e-7 * std::abs(wanted[i]) : 0.0) << name << " at " << i;
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

TEST_P(StoredCheckpoint, ServesAsABaseWithTheLibrarysLogits) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(folder_of(std::string(GetParam()) + ".outputs.safetensors"));
  LoadedModel model = LoadedModel::load(folder_of(GetParam()), "fp32");
  EXPECT_NE(model.checkpoint->baseline_note().find("decoded bitsandbytes"), std::string::npos)
      << model.checkpoint->baseline_note();
  expect_logits(model, oracle);
}

/// The oracle computes in fp32 with decoded weights; INT8 as stored would code its activations as well.
TEST_P(StoredCheckpoint, RunsAsStoredWithTheLibrarysLogits) {
  QUANTSCOPE_REQUIRE_SHARED();
  const OracleFile oracle = read_oracle(folder_of(std::string(GetParam()) + ".outputs.safetensors"));
  LoadedModel model = LoadedModel::load(folder_of(GetParam()), "as-stored:compute=fp32");
  ModelPlan plan = model.resolved.plan;
  int stored = 0;
  for (PlannedWeight& weight : plan.weights) {
    if (weight.slot.role != WeightRole::linear) continue;
    EXPECT_TRUE(weight.as_stored) << weight.slot.name;
    EXPECT_TRUE(is_quantized(weight.format)) << weight.slot.name;
    weight.activations = ActivationMode::rounded;
    ++stored;
  }
  EXPECT_EQ(stored, 5 * 7);
  model.decoder.reset();
  model.model = testing::value_of(Model::load(*model.checkpoint, plan, *model.backend, {}, {}));
  model.decoder = testing::value_of(Decoder::create(*model.model, plan.kv_type, 1024, 512));
  expect_logits(model, oracle);
}

TEST_P(StoredCheckpoint, TakesTheBytesOfTheForecast) {
  QUANTSCOPE_REQUIRE_SHARED();
  LoadedModel model = LoadedModel::load(folder_of(GetParam()), "as-stored");
  MemoryRows forecast;
  for (const PlannedWeight& weight : model.resolved.plan.weights) {
    const FormatBytes bytes = format_bytes(weight.format, weight.slot.rows, weight.slot.columns);
    forecast[weight.tag] += bytes.codes;
    forecast[MemoryTag::scales] += bytes.scales;
  }
  EXPECT_EQ(model.backend->ledger().current().weights(), forecast.weights());
}

INSTANTIATE_TEST_SUITE_P(Bitsandbytes, StoredCheckpoint,
                         ::testing::Values("checkpoint_nf4_double", "checkpoint_fp4", "checkpoint_int8"));

}  // namespace
}  // namespace quantscope
