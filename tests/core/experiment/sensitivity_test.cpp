// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/sensitivity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "core/experiment/runner.h"
#include "core/experiment/sensitivity_file.h"
#include "core/report/layer_table.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

class Sensitivity : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_.path());
    std::string text;
    for (int i = 0; text.size() < 1100; ++i) text += "Line " + std::to_string(i * i) + " of a text. ";
    text_file_ = folder_.write("text.txt", text);
    checkpoint_ = value_of(Checkpoint::open(folder_.path()));
    tokenizer_ = value_of(Tokenizer::of(*checkpoint_));
    ids_ = tokenizer_->encode(text);
    backend_ = value_of(create_cpu_backend({1, "auto"}));
  }

  static Settings settings(const std::string& text) { return value_of(parse_configuration(text)); }

  Resolved resolved(const std::string& configuration) const {
    ResolveInput input{512};
    input.kl_base = KlBaseInput{settings("fp32"), 512, 2 * 255};
    auto resolved =
        resolve(settings(configuration), checkpoint_->model(), checkpoint_->tensors(), backend_->description(), input);
    if (!resolved) throw std::runtime_error(resolved.error().why);
    return std::move(*resolved);
  }

  WindowedText text() const { return {tokenizer_.get(), ids_, perplexity_protocols().front(), 0, 0}; }

  std::vector<SensitivityRow> errors(const std::string& configuration, SensitivityUnit unit) {
    return value_of(sensitivity_errors(*checkpoint_, resolved(configuration), unit, *backend_, {}, {}));
  }

  void measure(const std::string& configuration, SensitivityMode mode, std::vector<SensitivityRow>& rows) {
    const auto done =
        measure_sensitivity(*checkpoint_, resolved(configuration), mode, text(), *backend_, rows, {}, {}, {});
    ASSERT_TRUE(done) << done.error().message;
  }

  /// The divergence that a run of its own gives.
  KlResult run(Settings configuration) const {
    Task task;
    task.kind = TaskKind::kl;
    task.data = text_file_.string();
    task.base = settings("fp32");
    Runner runner(ResourcePaths::locate());
    configuration.threads = 1;
    return value_of(runner.run({folder_.path().string(), configuration, {task}}, {}, {})).kl->result;
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path text_file_;
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<std::int32_t> ids_;
  std::unique_ptr<Backend> backend_;
};

TEST_F(Sensitivity, ErrorsNeedNoRunAndTheLargestComeFirst) {
  const auto rows = errors("nf4", SensitivityUnit::tensor);
  ASSERT_EQ(rows.size(), 14U);
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_GE(rows[i - 1].expected_effect(), rows[i].expected_effect());
  Runner runner(ResourcePaths::locate());
  const RunResult run = value_of(runner.run({folder_.path().string(), settings("nf4"), {}}, {}, {}));
  for (const SensitivityRow& row : rows) {
    const auto record = std::ranges::find(run.tensors, row.name, &TensorRecord::name);
    ASSERT_NE(record, run.tensors.end());
    EXPECT_EQ(row.error.relative_error, record->error.relative_error);
    EXPECT_EQ(row.error.cosine, record->error.cosine);
    EXPECT_EQ(row.format, record->format);
    EXPECT_FALSE(row.figures);
  }
  EXPECT_TRUE(errors("fp32", SensitivityUnit::tensor).empty());
}

TEST_F(Sensitivity, LayersAddUpTheirTensors) {
  const auto layers = errors("nf4", SensitivityUnit::layer);
  ASSERT_EQ(layers.size(), 2U);
  const auto all = errors("nf4:scope=all", SensitivityUnit::layer);
  ASSERT_EQ(all.size(), 3U);  // the embedding and the head lie outside the layers
  EXPECT_EQ(std::ranges::count(all, "model", &SensitivityRow::name), 1);
  for (const SensitivityRow& layer : layers) {
    EXPECT_EQ(layer.tensors.size(), 7U);
    EXPECT_THAT(layer.name, HasSubstr("model.layers."));
    double squares = 0;
    std::int64_t values = 0;
    for (const SensitivityRow& tensor : errors("nf4", SensitivityUnit::tensor)) {
      if (tensor.layer != layer.layer) continue;
      squares += tensor.error.relative_error * tensor.error.relative_error * static_cast<double>(tensor.values);
      values += tensor.values;
    }
    EXPECT_EQ(layer.values, values);
    EXPECT_NEAR(layer.error.relative_error, std::sqrt(squares / static_cast<double>(values)), 1e-12);
  }
}

TEST_F(Sensitivity, OnlyThisTensorIsWhatARunWithThatOverrideGives) {
  for (const char* configuration : {"fp4", "int8"}) {
    auto rows = errors(configuration, SensitivityUnit::tensor);
    measure(configuration, SensitivityMode::only, rows);
    for (const std::size_t i : {0U, 5U, 13U}) {
      Settings alone = settings("fp32");
      alone.overrides = {{rows[i].name, configuration}};
      const KlResult expected = run(alone);
      ASSERT_TRUE(rows[i].figures);
      EXPECT_GT(rows[i].figures->divergence.mean, 0) << rows[i].name;
      EXPECT_EQ(rows[i].figures->divergence.mean, expected.divergence.mean) << configuration << " " << rows[i].name;
      EXPECT_EQ(rows[i].figures->perplexity, expected.perplexity().value);
      EXPECT_EQ(rows[i].figures->log_ratio.error, expected.log_ratio.error);
    }
  }
}

TEST_F(Sensitivity, AllButThisLayerIsWhatARunWithThatOverrideGives) {
  auto rows = errors("nf4:compute=fp32", SensitivityUnit::layer);
  measure("nf4:compute=fp32", SensitivityMode::all_but, rows);
  for (const SensitivityRow& row : rows) {
    Settings others = settings("nf4:compute=fp32");
    others.overrides = {{row.name, "fp32"}};
    EXPECT_EQ(row.figures->divergence.mean, run(others).divergence.mean) << row.name;
    EXPECT_EQ(row.figures->scored, 2 * 255);
  }
}

TEST_F(Sensitivity, TheOrderOfRowsChangesNothing) {
  auto rows = errors("int4", SensitivityUnit::tensor);
  auto reversed = rows;
  std::ranges::reverse(reversed);
  measure("int4", SensitivityMode::only, rows);
  measure("int4", SensitivityMode::only, reversed);
  std::ranges::reverse(reversed);
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i].figures->divergence.mean, reversed[i].figures->divergence.mean) << rows[i].name;
  sort_sensitivity(rows, SensitivityMeasure::kl, SensitivityMode::only);
  EXPECT_GE(rows.front().figures->divergence.mean, rows.back().figures->divergence.mean);
  sort_sensitivity(rows, SensitivityMeasure::perplexity, SensitivityMode::all_but);
  EXPECT_LE(rows.front().figures->log_ratio.mean, rows.back().figures->log_ratio.mean);
}

TEST_F(Sensitivity, GoesOnWhereItWasStopped) {
  const auto path = folder_.path() / "rows.jsonl";
  auto whole = errors("nf4", SensitivityUnit::tensor);
  measure("nf4", SensitivityMode::only, whole);
  auto rows = errors("nf4", SensitivityUnit::tensor);
  std::stop_source stop;
  {
    auto file = value_of(SensitivityFile::open(path, "key", rows));
    int count = 0;
    const auto keep = [&](const SensitivityRow& row) {
      ASSERT_TRUE(file.write(row));
      if (++count == 3) stop.request_stop();
    };
    const auto stopped = measure_sensitivity(*checkpoint_, resolved("nf4"), SensitivityMode::only, text(), *backend_,
                                             rows, keep, {}, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
    backend_->set_stop_token({});
  }
  std::ofstream(path, std::ios::app) << R"({"name": "cut o)";  // killed while it wrote
  rows = errors("nf4", SensitivityUnit::tensor);
  auto file = value_of(SensitivityFile::open(path, "key", rows));
  EXPECT_EQ(file.found(), 3);
  int measured = 0;
  const auto keep = [&](const SensitivityRow& row) {
    ++measured;
    ASSERT_TRUE(file.write(row));
  };
  ASSERT_TRUE(
      measure_sensitivity(*checkpoint_, resolved("nf4"), SensitivityMode::only, text(), *backend_, rows, keep, {}, {}));
  EXPECT_EQ(measured, 11);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].figures->divergence.mean, whole[i].figures->divergence.mean);
    EXPECT_EQ(rows[i].figures->log_ratio.error, whole[i].figures->log_ratio.error);
  }
  auto again = errors("nf4", SensitivityUnit::tensor);
  EXPECT_EQ(value_of(SensitivityFile::open(path, "key", again)).found(), 14);
}

TEST_F(Sensitivity, AFileOfAnotherMeasurementIsRefusedAndKept) {
  std::vector<SensitivityRow> rows;
  const auto path = folder_.path() / "rows.jsonl";
  { value_of(SensitivityFile::open(path, "one", rows)); }
  const auto other = SensitivityFile::open(path, "two", rows);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("another measurement"));
  std::ifstream kept(path);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(kept), {}), HasSubstr("one"));
  for (const char* bytes : {"nonsense\n", "[]\n", "{}\n", "{\"schema\": 1, \"sensitivity\": \"k\"}\n17\n",
                            "{\"schema\": 1, \"sensitivity\": \"k\"}\n{\"name\": 4}\n"})
    EXPECT_FALSE(SensitivityFile::open(folder_.write("bad.jsonl", bytes), "k", rows)) << bytes;
}

TEST_F(Sensitivity, TheTableHasARowEachAndEmptyCellsForWhatWasNotMeasured) {
  auto rows = errors("nf4", SensitivityUnit::layer);
  const auto table = [&] {
    SensitivityMeasurement measurement;
    measurement.configuration = "nf4";
    measurement.base = "fp32";
    measurement.protocol = "ppl-llama.cpp-512";
    measurement.unit = SensitivityUnit::layer;
    measurement.rows = rows;
    return layers_csv({&measurement, 1});
  };
  const std::string bare = table();
  EXPECT_EQ(std::ranges::count(bare, '\n'), 3);
  EXPECT_THAT(bare, HasSubstr("kl_mean_nats"));
  EXPECT_THAT(bare, HasSubstr(",,,,,,,,,\n"));
  measure("nf4", SensitivityMode::only, rows);
  EXPECT_THAT(table(), ::testing::Not(HasSubstr(",,")));
  EXPECT_THAT(table(), HasSubstr("nf4,fp32,ppl-llama.cpp-512,layer,only,model.layers.0,0,NF4 block 64,"));
}

}  // namespace
}  // namespace quantscope
