// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/recorded_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/experiment/file_hash.h"
#include "core/experiment/runner.h"
#include "tests/support/loaded_model.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_study.h"

namespace quantscope {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::value_of;
namespace fs = std::filesystem;

class RecordedInputs : public ::testing::Test {
 protected:
  RunResult run(const RunRequest& request) const {
    return value_of(Runner(ResourcePaths::locate()).run(request, {}, {}));
  }
  static std::vector<ChangedInput> changed(const std::vector<RunResult>& runs) {
    return value_of(changed_inputs(runs, ResourcePaths::locate()));
  }
  /// Another byte at this place.
  void change(const fs::path& path, std::int64_t place) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(place);
    const int byte = file.get();
    file.seekp(place);
    file.put(static_cast<char>(byte ^ 0x11));
  }

  testing::TemporaryFolder folder_;
  testing::TinyStudy study_{folder_.path() / "study"};
};

TEST_F(RecordedInputs, ThatAreAsTheyWereAreNotNamed) {
  const std::vector<RunResult> runs = {run(study_.request("nf4")), run(study_.kl_request("nf4"))};
  EXPECT_THAT(changed(runs), IsEmpty());
}

TEST_F(RecordedInputs, NameEachChangedFileOnceWithBothHashes) {
  const std::vector<RunResult> runs = {run(study_.request("fp32")), run(study_.request("nf4"))};
  change(study_.file("questions.json"), 40);
  change(study_.file("text.txt"), 100);
  change(study_.file("model") / "model.safetensors",
         static_cast<std::int64_t>(fs::file_size(study_.file("model") / "model.safetensors")) - 8);
  const auto inputs = changed(runs);
  ASSERT_EQ(inputs.size(), 3U);
  EXPECT_EQ(inputs[0].what, "checkpoint");
  EXPECT_EQ(inputs[0].expected, runs[0].provenance.fingerprint);
  EXPECT_NE(inputs[0].found, inputs[0].expected);
  EXPECT_EQ(inputs[1].what, "dataset");
  EXPECT_EQ(inputs[1].file, study_.file("questions.json").string());
  EXPECT_EQ(inputs[1].expected, runs[0].qa->dataset_hash);
  EXPECT_EQ(inputs[1].found, value_of(hash_file(study_.file("questions.json"))));
  EXPECT_EQ(inputs[2].what, "text");
  EXPECT_THAT(sentence_of(inputs[2]), HasSubstr("text.txt has changed since: its hash was " + inputs[2].expected +
                                                " and is " + inputs[2].found + " now."));
}

TEST_F(RecordedInputs, NameATokenizerThatCutsOtherwise) {
  const std::vector<RunResult> runs = {run(study_.request("nf4"))};
  const fs::path path = study_.file("model") / "tokenizer.json";
  std::ifstream file(path);
  auto tokenizer = nlohmann::json::parse(file);
  auto& vocabulary = tokenizer.at("model").at("vocab");
  std::swap(vocabulary.at("a"), vocabulary.at("b"));
  std::ofstream(path) << tokenizer.dump();
  const auto inputs = changed(runs);
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0].what, "tokenizer of");
  EXPECT_EQ(inputs[0].expected, runs[0].provenance.tokenizer);
}

TEST_F(RecordedInputs, TheTextOfADivergenceCountsToo) {
  const std::vector<RunResult> runs = {run(study_.kl_request("nf4"))};
  change(study_.file("text.txt"), 100);
  EXPECT_EQ(changed(runs).size(), 1U);
}

TEST_F(RecordedInputs, ThatAreMissingAreAFailureThatNamesTheFile) {
  const std::vector<RunResult> runs = {run(study_.request("nf4"))};
  fs::remove(study_.file("questions.json"));
  EXPECT_THAT(changed_inputs(runs, ResourcePaths::locate()).error().message, HasSubstr("questions.json"));
  fs::remove_all(study_.file("model"));
  EXPECT_THAT(changed_inputs(runs, ResourcePaths::locate()).error().message, HasSubstr("model"));
}

TEST_F(RecordedInputs, OfAnswersOfAnotherProgramAreNotLookedFor) {
  RunResult imported;
  imported.request.model = "imported:theirs.jsonl";
  imported.provenance.imported_from = "theirs.jsonl";
  imported.provenance.fingerprint = "ab";
  EXPECT_THAT(changed({imported}), IsEmpty());
}

TEST(FileHash, IsThatOfTheBytes) {
  const testing::TemporaryFolder folder;
  const fs::path path = folder.path() / "file";
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{1} << 20U, (std::size_t{3} << 20U) + 7}) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; i += 997) bytes[i] = static_cast<char>(i);
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_EQ(value_of(hash_file(path)), hash_bytes(bytes)) << size;
  }
  for (const std::string_view bytes : {"", "ab", "abc", "abcx", "xabc"}) {
    std::ofstream(path, std::ios::binary) << bytes;
    const std::string_view rest = bytes.starts_with("abc") ? bytes.substr(3) : bytes;
    EXPECT_EQ(value_of(hash_file(path, {}, "abc")), hash_bytes(rest)) << bytes;
  }
  EXPECT_EQ(hash_file(folder.path()).error().code, ErrorCode::not_found);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(hash_file(path, stop.get_token()).error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace quantscope
