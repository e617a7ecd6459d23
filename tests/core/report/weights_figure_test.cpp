// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/weights_figure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/experiment/runner.h"
#include "kernels/quantized_tensor.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::value_of;

class WeightsFigureOf : public ::testing::Test {
 protected:
  std::vector<RunResult> runs(const std::vector<std::string>& configurations) {
    Runner runner(ResourcePaths::locate());
    std::vector<RunResult> results;
    for (const std::string& name : configurations)
      results.push_back(value_of(runner.run(study_.request(name), {}, {})));
    return results;
  }
  static Result<WeightsFigure> figure(const std::vector<RunResult>& runs) {
    return weights_figure(runs, ResourcePaths::locate());
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
};

TEST_F(WeightsFigureOf, RunsIsTheLargestMatrixInTheSmallestFormat) {
  const WeightsFigure shown = value_of(figure(runs({"fp32", "int8", "nf4-dq", "nf4"})));
  EXPECT_THAT(shown.info().name, HasSubstr("layers.0."));
  EXPECT_EQ(shown.type, DataType::nf4);
  EXPECT_TRUE(shown.format.nested_scales);
  EXPECT_THAT(shown.caption, AllOf(HasSubstr(shown.info().name), HasSubstr("after nf4-dq"), HasSubstr("SQNR")));
}

TEST_F(WeightsFigureOf, DenseRunsIsThatOfTheCheckpoint) {
  const WeightsFigure shown = value_of(figure(runs({"fp32"})));
  EXPECT_THAT(shown.caption, HasSubstr("No run quantizes it"));
  EXPECT_EQ(shown.format.scale_layout, ScaleLayout::none);
}

TEST_F(WeightsFigureOf, WhatIsNotThereIsRefusedWithTheReason) {
  std::vector<RunResult> results = runs({"nf4"});
  testing::write_tiny_model(study_.file("model"), 128);
  auto changed = figure(results);
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("no longer the one that was run"));
  std::filesystem::remove_all(study_.file("model"));
  EXPECT_FALSE(figure(results));
  results.front().provenance.imported_from = "answers.jsonl";
  const auto imported = figure(results);
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.error().message, HasSubstr("No run of this report has read a checkpoint"));
  EXPECT_FALSE(figure({}));
}

}  // namespace
}  // namespace quantscope
