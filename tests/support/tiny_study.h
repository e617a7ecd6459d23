// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "core/experiment/run_request.h"

namespace quantscope::testing {

/// A folder with the tiny model, a CoQA file of `stories` stories with three questions each, and a text of six windows,
/// for whole experiments in milliseconds. The folder is made anew.
class TinyStudy {
 public:
  explicit TinyStudy(std::filesystem::path folder, int stories = 4);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  /// All questions, and the text's perplexity.
  RunRequest request(const std::string& configuration) const;
  /// The divergence from a base on the text.
  RunRequest kl_request(const std::string& configuration, const std::string& base = "fp32") const;

 private:
  std::filesystem::path folder_;
};

}  // namespace quantscope::testing
