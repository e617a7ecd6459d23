// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/loaded_model.h"

#include <stdexcept>

#include "kernels/cpu/cpu_backend.h"

namespace quantscope::testing {

LoadedModel LoadedModel::load(const std::filesystem::path& path, const std::string& configuration, std::int64_t context,
                              std::int64_t batch_rows) {
  LoadedModel loaded;
  loaded.checkpoint = value_of(Checkpoint::open(path));
  const Settings settings = value_of(parse_configuration(configuration));
  auto resolved = resolve(settings, loaded.checkpoint->model(), loaded.checkpoint->tensors(), describe_cpu(),
                          {context, batch_rows});
  if (!resolved) throw std::runtime_error(resolved.error().why);
  loaded.resolved = std::move(*resolved);
  loaded.backend = value_of(create_cpu_backend({settings.threads, settings.simd}));
  loaded.model = value_of(Model::load(*loaded.checkpoint, loaded.resolved.plan, *loaded.backend, {}, {}));
  loaded.decoder = value_of(Decoder::create(*loaded.model, loaded.resolved.plan.kv_type, context, batch_rows));
  return loaded;
}

std::vector<float> LoadedModel::logits(std::span<const std::int32_t> ids) {
  std::vector<float> all;
  auto sequence = decoder->new_sequence();
  const auto collect = [&](std::int64_t, std::int64_t, std::span<const float> values) -> Result<void> {
    all.insert(all.end(), values.begin(), values.end());
    return {};
  };
  if (auto done = decoder->append_logits(sequence, ids, collect); !done) throw std::runtime_error(done.error().message);
  return all;
}

}  // namespace quantscope::testing
