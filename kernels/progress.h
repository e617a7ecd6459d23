// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace quantscope {

/// One report from long work. Rate and ETA are the front end's business.
struct Progress {
  std::string stage;       ///< "Quantizing", "CoQA", ...
  std::int64_t done = 0;   ///< units finished
  std::int64_t total = 0;  ///< units in all; 0 when unknown
  std::string note;        ///< e.g. the tensor or story at hand
};

/// Called on the thread that does the work. An empty function is allowed.
using ProgressFn = std::function<void(const Progress&)>;

}  // namespace quantscope
