// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/engine.h"

#include "app/cli/console.h"
#include "core/experiment/devices.h"
#include "core/experiment/open_model.h"
#include "core/experiment/resource_paths.h"

namespace quantscope::cli {

Result<std::shared_ptr<const Checkpoint>> open_model(const std::string& model) {
  return quantscope::open_model(model, ResourcePaths::locate());
}

DeviceDescription device_of(const Settings& settings, const Checkpoint& checkpoint, std::int64_t context) {
  return device_for(settings, checkpoint.model(), checkpoint.tensors(), available_devices(), {context});
}

Result<Resolved> resolve_or_explain(const Settings& settings, const Checkpoint& checkpoint,
                                    const DeviceDescription& device, std::int64_t context) {
  auto resolved = resolve(settings, checkpoint.model(), checkpoint.tensors(), device, {context});
  if (resolved) return std::move(*resolved);
  return tl::unexpected(error_of(resolved.error()));
}

Result<Engine> start_engine(const Session& session, const std::string& model, const Settings& settings,
                            std::int64_t context) {
  Engine engine;
  auto checkpoint = open_model(model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  engine.checkpoint = *checkpoint;
  const std::int64_t tokens = settings.context > 0 ? settings.context : context;
  const DeviceDescription device = device_of(settings, *engine.checkpoint, tokens);
  auto resolved = resolve_or_explain(settings, *engine.checkpoint, device, tokens);
  if (!resolved) return tl::unexpected(resolved.error());
  engine.resolved = std::move(*resolved);
  auto backend = open_device(engine.resolved.settings);
  if (!backend) return tl::unexpected(backend.error());
  engine.backend = std::move(*backend);
  engine.backend->set_stop_token(session.stop);
  const ProgressFn progress = session.json ? ProgressFn() : console_progress();
  auto loaded = Model::load(*engine.checkpoint, engine.resolved.plan, *engine.backend, progress, session.stop);
  if (!loaded) return tl::unexpected(loaded.error());
  engine.model = std::move(*loaded);
  auto decoder = Decoder::create(*engine.model, engine.resolved.plan.kv_type, tokens, default_batch_rows);
  if (!decoder) return tl::unexpected(decoder.error());
  engine.decoder = std::move(*decoder);
  return engine;
}

}  // namespace quantscope::cli
