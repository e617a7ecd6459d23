// SPDX-License-Identifier: GPL-3.0-or-later
// Windows of KL divergences in a workspace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "core/experiment/runner.h"
#include "core/report/run_json.h"
#include "core/workspace/kl_tokens.h"
#include "core/workspace/result_key.h"
#include "core/workspace/workspace.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using testing::value_of;

std::vector<HeadPair> some_tokens(std::size_t count) {
  std::vector<HeadPair> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = 0.1 * static_cast<double>(i + 1);
    tokens.push_back({-x, -x * x, x / 3, i % 3 == 0});
  }
  return tokens;
}

TEST(KlTokens, ComeBackBitForBit) {
  for (const std::size_t count : {1U, 7U, 8U, 9U, 255U}) {
    std::vector<HeadPair> tokens = some_tokens(count);
    tokens.front().divergence = -1e-17;
    tokens.back().log_probability = -std::numeric_limits<double>::infinity();
    const auto bytes = bytes_of_kl_tokens(tokens);
    EXPECT_EQ(bytes.size(), 24 * count + (count + 7) / 8);
    const auto read = value_of(kl_tokens_of_bytes(bytes, static_cast<std::int64_t>(count)));
    ASSERT_EQ(read.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(read[i].base_log_probability, tokens[i].base_log_probability);
      EXPECT_EQ(read[i].log_probability, tokens[i].log_probability);
      EXPECT_EQ(read[i].divergence, tokens[i].divergence);
      EXPECT_EQ(read[i].same_top, tokens[i].same_top);
    }
  }
}

TEST(KlTokens, HaveTheDocumentedLayout) {
  const auto bytes = bytes_of_kl_tokens(std::vector<HeadPair>{{-1, -2, 0.5, false}, {-1, -2, 0.5, true}});
  ASSERT_EQ(bytes.size(), 49U);
  const auto top_byte = [&](std::size_t number) { return std::to_integer<int>(bytes[8 * number + 7]); };
  EXPECT_EQ(top_byte(0), 0xBF);  // -1
  EXPECT_EQ(top_byte(2), 0xC0);  // -2
  EXPECT_EQ(top_byte(4), 0x3F);  // 0.5
  EXPECT_EQ(std::to_integer<int>(bytes[48]), 0b10);
}

TEST(KlTokens, OfAnotherLengthAreRefused) {
  auto bytes = bytes_of_kl_tokens(some_tokens(9));
  for (const std::int64_t scored : {8, 10, 0, -1}) EXPECT_FALSE(kl_tokens_of_bytes(bytes, scored)) << scored;
  EXPECT_FALSE(kl_tokens_of_bytes(bytes, std::numeric_limits<std::int64_t>::max()));
  EXPECT_FALSE(kl_tokens_of_bytes(std::span(bytes).first(bytes.size() - 1), 9));
  bytes.back() |= std::byte{0b10};  // of a tenth token
  EXPECT_FALSE(kl_tokens_of_bytes(bytes, 9));
}

class KlWindows : public ::testing::Test {
 protected:
  std::unique_ptr<Workspace> open(FileAccess access = FileAccess::write) const {
    return value_of(Workspace::open(file_, access));
  }

  /// Runs with a runner that knows nothing yet; `stages` gets what it was busy with.
  RunResult run(const RunRequest& request, std::set<std::string>* stages = nullptr, int* windows = nullptr) const {
    const auto workspace = open();
    const auto store = workspace->store();
    RunObserver observer;
    observer.progress = [&](const Progress& progress) {
      if (stages != nullptr) stages->insert(std::string(progress.stage));
      if (windows != nullptr && progress.stage == "KL divergence") *windows = static_cast<int>(progress.total);
    };
    Runner runner(ResourcePaths::locate());
    return value_of(runner.run(request, observer, {}, store.get()));
  }

  RunRequest windows(std::int64_t first, std::int64_t last) const {
    RunRequest request = study_.kl_request("nf4");
    request.tasks.front().first_chunk = first;
    request.tasks.front().last_chunk = last;
    return request;
  }

  /// The figures without times.
  static std::string figures(RunResult run) {
    run.kl->seconds = run.kl->base_seconds = 0;
    const std::string text = to_json(run);
    return text.substr(text.find("\"kl\": {"), text.find("\"load_seconds\"") - text.find("\"kl\": {"));
  }

  std::string refusal_after(const char* change) const {
    EXPECT_TRUE(value_of(Database::open(file_, FileAccess::write)).script(change));
    const auto results = open(FileAccess::read)->results();
    return results ? std::string() : results.error().message;
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
  std::filesystem::path file_ = study_.file("study.quantscope");
};

TEST_F(KlWindows, ComeBackWithEveryFigure) {
  const RunResult measured = run(study_.kl_request("nf4"));
  ASSERT_EQ(measured.state, RunState::finished);
  const auto stored = value_of(open(FileAccess::read)->results());
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(to_json(stored.front()), to_json(measured));
  EXPECT_EQ(stored.front().kl->base, measured.kl->base);
  EXPECT_GT(stored.front().kl->base_seconds, 0);
  ASSERT_EQ(stored.front().kl->result.chunks.front().tokens.size(), 255U);
}

TEST_F(KlWindows, ThatAreAllStoredNeedNeitherBaseNorModel) {
  const RunResult first = run(study_.kl_request("nf4"));
  std::set<std::string> stages;
  const RunResult again = run(study_.kl_request("nf4"), &stages);
  EXPECT_TRUE(stages.empty()) << *stages.begin();
  EXPECT_EQ(to_json(again), to_json(first));
}

TEST_F(KlWindows, OfTheSameArithmeticAreTakenOverAndTheFiguresAreThoseOfOneRun) {
  Runner runner(ResourcePaths::locate());
  const RunResult whole = value_of(runner.run(study_.kl_request("nf4"), {}, {}));
  run(windows(2, 4));
  int computed = 0;
  std::set<std::string> stages;
  const RunResult more = run(windows(0, 5), &stages, &computed);
  EXPECT_TRUE(stages.contains("KL base"));
  EXPECT_EQ(computed, 1);  // the last range, [4, 5)
  const RunResult all = run(study_.kl_request("nf4"), nullptr, &computed);
  EXPECT_EQ(computed, 1);
  EXPECT_EQ(more.kl->result.chunks.size(), 5U);
  EXPECT_EQ(figures(all), figures(whole));
}

TEST_F(KlWindows, OfAnotherBaseAreNotPooled) {
  run(study_.kl_request("nf4", "fp32"));
  int computed = 0;
  const RunResult other = run(study_.kl_request("nf4", "bf16"), nullptr, &computed);
  EXPECT_EQ(computed, 6);
  const RunResult bits = run(study_.kl_request("nf4", "int8"), nullptr, &computed);
  EXPECT_EQ(computed, 6);
  EXPECT_NE(other.kl->result.divergence.mean, bits.kl->result.divergence.mean);
  // Threads decide no number, so the base's do not either.
  computed = 0;
  run(study_.kl_request("nf4:threads=1", "fp32"), nullptr, &computed);
  EXPECT_EQ(computed, 0);
  EXPECT_EQ(value_of(open(FileAccess::read)->results()).size(), 4U);
  RunResult changed = other;
  const auto key = [](const RunResult& result) {
    return evaluation_key(result, result.kl->task, result.kl->text_hash);
  };
  Settings base = value_of(parse_configuration(other.kl->base));
  base.threads = 3;
  changed.kl->base = configuration_text(base);
  EXPECT_NE(changed.kl->base, other.kl->base);
  EXPECT_EQ(key(changed), key(other));
  changed.kl->base = "fp16";
  EXPECT_NE(key(changed), key(other));
  changed = other;
  changed.kl->task.protocol = "ppl-gptq-2048";
  EXPECT_NE(key(changed), key(other));
  EXPECT_NE(run_key(changed), run_key(other));
}

TEST_F(KlWindows, MeasuredBeforeAStopAreKept) {
  const auto workspace = open();
  std::stop_source stop;
  int windows = 0;
  RunObserver observer;
  observer.kl_chunk = [&](const KlChunk&) {
    if (++windows == 2) stop.request_stop();
  };
  Runner runner(ResourcePaths::locate());
  const auto store = workspace->store();
  const RunResult stopped = value_of(runner.run(study_.kl_request("fp4"), observer, stop.get_token(), store.get()));
  EXPECT_EQ(stopped.state, RunState::stopped);
  EXPECT_EQ(value_of(workspace->results()).front().kl->result.chunks.size(), 2U);
  int computed = 0;
  const RunResult whole = run(study_.kl_request("fp4"), nullptr, &computed);
  EXPECT_EQ(computed, 4);
  EXPECT_EQ(figures(whole), figures(value_of(runner.run(study_.kl_request("fp4"), {}, {}))));
}

TEST_F(KlWindows, ThatAreDamagedAreRefusedWithASentence) {
  run(study_.kl_request("nf4"));
  EXPECT_EQ(refusal_after(""), "");
  const char* copy = "CREATE TABLE copy AS SELECT * FROM kl_chunk";
  EXPECT_EQ(refusal_after(copy), "");
  const auto refusal = [&](const std::string& change) {
    const std::string message = refusal_after(("UPDATE kl_chunk SET " + change + " WHERE chunk_index = 3").c_str());
    refusal_after("DELETE FROM kl_chunk; INSERT INTO kl_chunk SELECT * FROM copy");
    return message;
  };
  EXPECT_THAT(refusal("tokens = x'0102'"), HasSubstr("its tokens take 2 bytes, 255 scored tokens take 6152"));
  EXPECT_THAT(refusal("tokens = zeroblob(6152)"), HasSubstr("do not add up"));
  EXPECT_THAT(refusal("tokens = randomblob(6152)"), HasSubstr("damaged KL window"));
  EXPECT_THAT(refusal("scored_tokens = 9223372036854775807"), HasSubstr("claims 9223372036854775807 scored"));
  EXPECT_THAT(refusal("kl_mean = kl_mean + 1"), HasSubstr("do not add up"));
  EXPECT_THAT(refusal("nll_sum = NULL"), HasSubstr("DELETE FROM kl_chunk WHERE evaluation_id = 1"));
  EXPECT_THAT(refusal("same_top_tokens = 256"), HasSubstr("do not add up"));
  EXPECT_EQ(refusal_after("DELETE FROM kl_chunk"), "");
  int computed = 0;
  run(study_.kl_request("nf4"), nullptr, &computed);
  EXPECT_EQ(computed, 6);
}

TEST_F(KlWindows, WithoutTheirTokensAreNotTakenIn) {
  RunResult result = run(study_.kl_request("nf4"));
  result.provenance.imported_from = "elsewhere";
  EXPECT_TRUE(open()->add(result));
  result.provenance.imported_from = "a report";
  for (KlChunk& chunk : result.kl->result.chunks) chunk.tokens.clear();
  const auto added = open()->add(result);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("lost its tokens"));
  EXPECT_EQ(value_of(open(FileAccess::read)->results()).size(), 2U);
}

TEST_F(KlWindows, OfAModelThatOverflowsComeBackToo) {
  RunResult result = run(study_.kl_request("nf4"));
  std::vector<HeadPair> tokens = some_tokens(20);
  tokens[3].log_probability = tokens[5].divergence = std::nan("");
  result.kl->result = summarize_kl({summarize_kl_chunk(0, tokens)}, 512);
  result.provenance.imported_from = "elsewhere";
  ASSERT_TRUE(open()->add(result));
  const RunResult stored = value_of(open(FileAccess::read)->results()).back();
  EXPECT_TRUE(std::isnan(stored.kl->result.divergence.mean));
  EXPECT_TRUE(std::isnan(KlResult::at(stored.kl->result.divergence_percentiles, 1)));
  EXPECT_EQ(KlResult::at(stored.kl->result.divergence_percentiles, 0), tokens[0].divergence);
}

}  // namespace
}  // namespace quantscope
