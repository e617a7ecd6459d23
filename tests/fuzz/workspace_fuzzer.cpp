// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/exchange/coqa_predictions.h"
#include "core/exchange/lm_eval_samples.h"
#include "core/workspace/workspace.h"

namespace {

using namespace quantscope;
namespace fs = std::filesystem;

/// SQLite wants a file with a name, and makes others beside it.
const fs::path& file() {
  static const fs::path path =
      fs::temp_directory_path() / ("quantscope-fuzz-" + std::to_string(::getpid()) + ".quantscope");
  return path;
}

void remove_files() {
  for (const char* ending : {"", "-wal", "-shm", "-journal"}) fs::remove(file().string() + ending);
}

/// Answers go to other programs with a data set that the file only names.
void give_away(const QaOutcome& outcome) {
  QaDataset dataset;
  dataset.stories = {{"one", "cnn", "", "Lily saw a cat.", {{1, "Who?", {"Lily"}}}}};
  const auto written = lm_eval_samples(outcome, dataset);
  if (!written && written.error().message.empty()) __builtin_trap();
  static_cast<void>(coqa_predictions(outcome));
}

void use(FileAccess access) {
  auto workspace = Workspace::open(file(), access);
  if (!workspace) {
    if (workspace.error().message.empty()) __builtin_trap();
    return;
  }
  const auto results = (*workspace)->results();
  if (!results && results.error().message.empty()) __builtin_trap();
  if (results)
    for (const RunResult& run : *results)
      if (run.qa) give_away(*run.qa);
  static_cast<void>((*workspace)->unfinished());
  const auto sensitivities = (*workspace)->sensitivities();
  if (!sensitivities && sensitivities.error().message.empty()) __builtin_trap();
  if (access == FileAccess::write) static_cast<void>((*workspace)->plan(std::vector<RunRequest>{RunRequest{}}));
}

}  // namespace

/// Any file opens to runs that can be read, or is refused with a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  remove_files();
  std::ofstream(file(), std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  use(FileAccess::read);
  use(FileAccess::write);
  remove_files();
  return 0;
}
