// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/experiment/resource_paths.h"
#include "core/experiment/run_result.h"

namespace quantscope {

/// A figure that somebody published; what was not given is empty.
struct PublishedRow {
  std::string configuration;  ///< a short name
  std::string hardware;
  std::optional<std::int64_t> n;
  std::optional<double> f1, f1_error, em, em_error;  ///< 0..1
  std::optional<double> weights_mib;
  std::string note;
};

/// A comparison to repeat: what to run, what cannot be run yet and why, and the published figures to stand beside it.
struct Preset {
  struct Missing {
    std::string configuration;
    std::string why;  ///< a sentence
  };
  std::string name, title;
  std::vector<std::string> configurations;  ///< the first is the baseline
  std::vector<Task> tasks;
  std::vector<Missing> not_available;
  std::string source;  ///< of the published figures
  std::vector<PublishedRow> published;
  std::vector<std::string> caveats;
};

/// The preset resources/presets/NAME.json; an unknown name lists the known ones.
Result<Preset> read_preset(const ResourcePaths& paths, std::string_view name);

/// What keeps the runs from being set beside the published figures, as sentences: another model, data set, number of
/// questions, prompt or scorer.
std::vector<std::string> differences_from(const Preset& preset, std::span<const RunResult> runs);

}  // namespace quantscope
