// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of sensitivity measurements in a workspace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "core/experiment/sensitivity_file.h"
#include "core/report/layer_table.h"
#include "core/workspace/workspace.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace quantscope {
namespace {

using testing::value_of;

/// Measures tensors of the tiny model on two windows; sessions may run in processes of their own, so this one starts no
/// thread before it forks.
class SensitivityRows : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_tiny_model(folder_.path() / "model");
    for (int i = 0; text_.size() < 1100; ++i) text_ += "Line " + std::to_string(i * i) + " of a text. ";
  }

  std::unique_ptr<Workspace> open() const { return value_of(Workspace::open(file_, FileAccess::write)); }

  /// The rows without figures.
  static SensitivityMeasurement head(const std::string& configuration) {
    SensitivityMeasurement measurement;
    measurement.configuration = configuration;
    measurement.base = "fp32";
    measurement.protocol = "ppl-llama.cpp-512";
    measurement.text_hash = "text";
    measurement.fingerprint = "tiny";
    return measurement;
  }

  /// What the workspace does not hold is measured; the process kills itself after row `kill_after`, if that comes.
  SensitivityMeasurement measure(int* measured = nullptr, int kill_after = 0) const {
    const auto checkpoint = value_of(Checkpoint::open(folder_.path() / "model"));
    const auto tokenizer = value_of(Tokenizer::of(*checkpoint));
    const auto ids = tokenizer->encode(text_);
    const auto backend = value_of(create_cpu_backend({1, "auto"}));
    ResolveInput input{512};
    input.kl_base = KlBaseInput{value_of(parse_configuration("fp32")), 512, 2 * 255};
    const auto resolved = resolve(value_of(parse_configuration("nf4")), checkpoint->model(), checkpoint->tensors(),
                                  backend->description(), input);
    SensitivityMeasurement measurement = head("nf4");
    measurement.rows = value_of(sensitivity_errors(*checkpoint, *resolved, SensitivityUnit::tensor, *backend, {}, {}));
    const auto workspace = open();
    const std::int64_t id = value_of(workspace->begin(measurement));
    int count = 0;
    const auto keep = [&](const SensitivityRow& row) {
      EXPECT_TRUE(workspace->keep(id, row));
      if (++count == kill_after) ::kill(::getpid(), SIGKILL);
    };
    const WindowedText text{tokenizer.get(), ids, perplexity_protocols().front(), 0, 0};
    EXPECT_TRUE(measure_sensitivity(*checkpoint, *resolved, SensitivityMode::only, text, *backend, measurement.rows,
                                    keep, {}, {}));
    if (measured != nullptr) *measured = count;
    return measurement;
  }

  /// Every figure with its full precision, without times.
  static std::string figures(SensitivityMeasurement measurement) {
    for (SensitivityRow& row : measurement.rows) row.figures->seconds = 0;
    sort_sensitivity(measurement.rows, SensitivityMeasure::kl, SensitivityMode::only);
    return to_json(measurement.rows);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "study.quantscope";
  std::string text_;
};

TEST_F(SensitivityRows, GoOnToTheSameFiguresWhereverTheMeasurementWasKilled) {
  const std::string expected = figures(measure());
  for (const int after : {1, 5, 13}) {
    std::filesystem::remove(file_);
    const pid_t child = ::fork();
    if (child == 0) {
      measure(nullptr, after);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    int measured = 0;
    EXPECT_EQ(figures(measure(&measured)), expected) << after;
    EXPECT_EQ(measured, 14 - after);
    measure(&measured);
    EXPECT_EQ(measured, 0);
  }
}

TEST_F(SensitivityRows, ComeBackWithTheirMeasurement) {
  const SensitivityMeasurement measured = measure();
  const auto stored = value_of(open()->sensitivities());
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(sensitivity_key(stored.front()), sensitivity_key(measured));
  EXPECT_EQ(to_json(stored.front().rows), to_json(measured.rows));  // by expected effect, times included
  EXPECT_EQ(layers_csv(stored), layers_csv({&measured, 1}));
}

TEST_F(SensitivityRows, OfAnotherMeasurementAreNotTakenOver) {
  SensitivityMeasurement first = head("nf4");
  SensitivityFigures figures;
  figures.divergence = {0.1, 0.01, 510};
  first.rows.push_back({"a", 0, "NF4", {"a"}, 4, {}, figures});
  const auto workspace = open();
  ASSERT_TRUE(workspace->keep(value_of(workspace->begin(first)), first.rows.front()));
  const auto has_figures = [&](const auto& change) {
    SensitivityMeasurement other = first;
    other.rows.front().figures.reset();
    change(other);
    value_of(workspace->begin(other));
    return other.rows.front().figures.has_value();
  };
  EXPECT_TRUE(has_figures([](SensitivityMeasurement&) {}));
  EXPECT_TRUE(has_figures([](SensitivityMeasurement& other) { other.checkpoint = "the same file elsewhere"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.configuration = "nf4-dq"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.base = "bf16"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.mode = SensitivityMode::all_but; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.unit = SensitivityUnit::layer; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.protocol = "ppl-gptq-2048"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.text_hash = "x"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.last_chunk = 4; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.fingerprint = "x"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.device = "x"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.dispatch_level = "x"; }));
  EXPECT_FALSE(has_figures([](SensitivityMeasurement& other) { other.program_version = "x"; }));
  EXPECT_EQ(value_of(workspace->sensitivities()).size(), 12U);
}

TEST_F(SensitivityRows, KeepNumbersThatAreNotFinite) {
  SensitivityMeasurement measurement = head("fp32");
  SensitivityRow row{"a", -1, "FP32", {"a", "b"}, 4, {}, SensitivityFigures{}};
  row.error.sqnr_db = std::numeric_limits<double>::infinity();
  row.figures->divergence.mean = std::nan("");
  measurement.rows = {row};
  const auto workspace = open();
  ASSERT_TRUE(workspace->keep(value_of(workspace->begin(measurement)), row));
  const SensitivityRow stored = value_of(workspace->sensitivities()).front().rows.front();
  EXPECT_EQ(stored.error.sqnr_db, std::numeric_limits<double>::infinity());
  ASSERT_TRUE(stored.figures);
  EXPECT_TRUE(std::isnan(stored.figures->divergence.mean));
  EXPECT_EQ(stored.tensors, row.tensors);
  EXPECT_EQ(stored.layer, -1);
}

}  // namespace
}  // namespace quantscope
