// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/kl_base.h"

#include <fmt/format.h>

#include <utility>

#include "kernels/clock.h"

namespace quantscope {

Result<KlBase> KlBaseKeeper::get(const std::string& key, const Checkpoint& checkpoint, const ResolvedKlBase& base,
                                 const WindowedText& text, Backend& backend, const ProgressFn& progress,
                                 std::stop_token stop) {
  const auto windows = choose_chunks(std::ssize(text.ids), text.protocol, text.first_chunk, text.last_chunk);
  if (!windows) return tl::unexpected(windows.error());
  const std::string wanted = fmt::format("{} {} {}", key, configuration_text(base.settings), text.protocol.name);
  seconds_ = 0;
  if (!holds(wanted, *windows)) {
    clear();
    const auto started = Clock::now();
    if (auto done = compute(checkpoint, base, text, backend, progress, stop); !done) {
      clear();
      return tl::unexpected(done.error());
    }
    key_ = wanted;
    windows_ = *windows;
    seconds_ = seconds_since(started);
  }
  return KlBase{&states_, model_->final_norm(), model_->head()};
}

bool KlBaseKeeper::holds(const std::string& key, const ChunkRange& windows) const {
  return model_ && key == key_ && windows_.first <= windows.first && windows.last <= windows_.last;
}

void KlBaseKeeper::clear() {
  states_ = {};
  model_.reset();
  key_.clear();
}

Result<void> KlBaseKeeper::compute(const Checkpoint& checkpoint, const ResolvedKlBase& base, const WindowedText& text,
                                   Backend& backend, const ProgressFn& progress, std::stop_token stop) {
  auto model = Model::load(checkpoint, base.plan, backend, progress, stop);
  if (!model) return tl::unexpected(model.error());
  model_ = std::move(*model);
  if (auto reserved = backend.reserve(base.plan.workload); !reserved) return reserved;
  {
    auto decoder = Decoder::create(*model_, base.plan.kv_type, text.protocol.window, default_batch_rows);
    if (!decoder) return tl::unexpected(decoder.error());
    auto states = ScoredStates::compute(**decoder, text, progress, stop);
    if (!states) return tl::unexpected(states.error());
    states_ = std::move(*states);
  }
  model_->release_blocks();
  return {};
}

}  // namespace quantscope
