// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <span>
#include <string>

#include "app/cli/command.h"
#include "core/checkpoint/checkpoint.h"
#include "core/experiment/resolve.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/tokenizer/tokenizer.h"
#include "kernels/backend.h"

namespace quantscope::cli {

/// Opens a MODEL argument: a path, or "default".
Result<std::shared_ptr<const Checkpoint>> open_model(const std::string& model);

/// The device that settings ask for with this checkpoint and KV cache, described without starting it.
DeviceDescription device_of(const Settings& settings, const Checkpoint& checkpoint, std::int64_t context);

/// resolve(), with a Conflict turned into an error that names the nearest valid value.
Result<Resolved> resolve_or_explain(const Settings& settings, const Checkpoint& checkpoint,
                                    const DeviceDescription& device, std::int64_t context);

/// A loaded model with its decoder, for the commands that run one directly.
struct Engine {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::unique_ptr<Backend> backend;
  Resolved resolved;
  std::unique_ptr<Model> model;
  std::unique_ptr<Decoder> decoder;
};
Result<Engine> start_engine(const Session& session, const std::string& model, const Settings& settings,
                            std::int64_t context);

}  // namespace quantscope::cli
