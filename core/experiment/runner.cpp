// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "core/experiment/devices.h"
#include "core/experiment/open_model.h"
#include "core/experiment/process_memory.h"
#include "core/experiment/run_job.h"
#include "core/experiment/run_tasks.h"
#include "core/experiment/stored_work.h"
#include "core/experiment/weight_planner.h"
#include "core/model/model.h"
#include "core/quantize/quantize_tensor.h"
#include "core/tokenizer/tokenizer_identity.h"

namespace quantscope {
namespace {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

bool same_device(const Settings& a, const Settings& b) {
  return a.device == b.device && a.threads == b.threads && a.simd == b.simd;
}

}  // namespace

struct Runner::State {
  ResourcePaths resources;
  std::string model_name;
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string fingerprint;
  Settings device_settings;
  std::unique_ptr<Backend> backend;
  KlBaseKeeper kl_base;  // below what it lives on

  Result<Backend*> use_backend(const Settings& settings) {
    if (backend && same_device(settings, device_settings)) return backend.get();
    kl_base.clear();
    auto created = open_device(settings);
    if (!created) return tl::unexpected(created.error());
    backend = std::move(*created);
    device_settings = settings;
    return backend.get();
  }
};

Runner::Runner(ResourcePaths resources) : state_(std::make_unique<State>()) {
  state_->resources = std::move(resources);
}

Runner::~Runner() = default;

Result<std::shared_ptr<const Checkpoint>> Runner::open(const std::string& model) {
  State& state = *state_;
  if (state.checkpoint && state.model_name == model) return state.checkpoint;
  auto opened = open_model(model, state.resources);
  if (!opened) return opened;
  state.kl_base.clear();
  state.model_name = model;
  state.checkpoint = *opened;
  state.tokenizer.reset();
  state.fingerprint.clear();
  return state.checkpoint;
}

namespace {

Result<void> record_tensors(RunJob& job, const Model& model) {
  const auto total = static_cast<std::int64_t>(model.entries().size());
  for (const Model::Entry& entry : model.entries()) {
    if (job.stop.stop_requested()) return cancelled();
    const PlannedWeight& plan = entry.plan;
    if (plan.slot.role == WeightRole::norm || plan.slot.role == WeightRole::bias) continue;
    TensorRecord record{plan.slot.name,
                        format_label(plan.format),
                        plan.slot.rows,
                        plan.slot.columns,
                        format_bytes(plan.format, plan.slot.rows, plan.slot.columns),
                        {}};
    auto error = quantization_error(job.checkpoint, *job.checkpoint.find(plan.slot.name), job.backend, *entry.weight);
    if (!error) return tl::unexpected(error.error());
    record.error = *error;
    job.result.tensors.push_back(std::move(record));
    if (job.observer.progress)
      job.observer.progress({"Measuring errors", &entry - model.entries().data(), total, plan.slot.name});
  }
  return {};
}

Result<void> execute(RunJob& job, std::int64_t kv_tokens) {
  const bool measured_before = is_load_stored(job.result);
  const ModelPlan& plan = job.result.resolved.plan;
  if (auto prepared = prepare_kl_base(job); !prepared) return prepared;
  auto model = Model::load(job.checkpoint, plan, job.backend, job.observer.progress, job.stop);
  if (!model) return tl::unexpected(model.error());
  if (!measured_before) {
    job.result.load_seconds = (*model)->load_seconds();
    if (auto recorded = record_tensors(job, **model); !recorded) return recorded;
  }
  if (auto reserved = job.backend.reserve(plan.workload); !reserved) return reserved;
  auto decoder = Decoder::create(**model, plan.kv_type, kv_tokens, default_batch_rows);
  if (!decoder) return tl::unexpected(decoder.error());
  job.backend.ledger().reset_peak();  // what loading needed for a moment is not what running needs
  measure_memory(job);
  if (!measured_before) job.keeper.with_store([&](RunStore& store) { return store.keep_loaded(job.result); });
  if (job.observer.loaded) job.observer.loaded(job.result);
  tell_stored_items(job);
  for (const Task& task : job.request.tasks) {
    auto done = run_task(job, **decoder, task);
    measure_memory(job);
    if (!done) return done;
  }
  return {};
}

ResolveInput resolve_input(const TaskData& data) {
  ResolveInput input{data.kv_tokens};
  input.kl_base = data.kl_base;
  return input;
}

/// The settings with the device that "auto" stands for.
Settings with_device(Settings settings, const Checkpoint& checkpoint, const TaskData& data) {
  if (settings.device != "auto") return settings;
  settings.device =
      device_for(settings, checkpoint.model(), checkpoint.tensors(), available_devices(), resolve_input(data)).id;
  return settings;
}

/// With the KV cache that answers several questions at once where it fits into the free memory, else with the smallest.
tl::expected<Resolved, Conflict> resolve_for_tasks(const Settings& settings, const Checkpoint& checkpoint,
                                                   const DeviceDescription& device, TaskData& data) {
  ResolveInput input = resolve_input(data);
  auto resolved = resolve(settings, checkpoint.model(), checkpoint.tensors(), device, input);
  if (!resolved || resolved->memory_warning.empty() || data.kv_tokens == data.context) return resolved;
  input.context = data.kv_tokens = data.context;
  return resolve(settings, checkpoint.model(), checkpoint.tensors(), device, input);
}

/// Runs what is left and says in the result how it ended.
void finish(RunJob& job) {
  Result<void> done;
  if (is_complete(job.result, job.data)) {
    if (job.observer.loaded) job.observer.loaded(job.result);
    tell_stored_items(job);
  } else {
    done = execute(job, job.data.kv_tokens);
  }
  RunResult& result = job.result;
  result.state = RunState::finished;
  result.error.reset();
  if (!done) {
    result.state = done.error().code == ErrorCode::cancelled ? RunState::stopped : RunState::failed;
    result.error = done.error();
  }
  job.keeper.with_store([&](RunStore& store) { return store.end(result); });
  if (job.keeper.error()) {
    result.state = RunState::failed;
    result.error = job.keeper.error();
  }
  drop_empty_outcomes(result);
}

Provenance provenance_of(const Checkpoint& checkpoint, const std::string& model, const std::string& fingerprint,
                         const DeviceDescription& device) {
  Provenance provenance;
  provenance.program_version = QUANTSCOPE_VERSION;
  provenance.checkpoint = model == "default" ? checkpoint.files().front().filename().string() : model;
  provenance.fingerprint = fingerprint;
  provenance.baseline_note = checkpoint.baseline_note();
  provenance.device = device.name;
  provenance.dispatch_level = device.dispatch_level;
  provenance.threads = device.threads;
  provenance.started = utc_now();
  return provenance;
}

std::int64_t file_bytes(const Checkpoint& checkpoint) {
  std::int64_t bytes = 0;
  for (const auto& file : checkpoint.files()) {
    std::error_code ignored;
    bytes += static_cast<std::int64_t>(std::filesystem::file_size(file, ignored));
  }
  return bytes;
}

}  // namespace

Result<RunResult> Runner::run(const RunRequest& request, const RunObserver& observer, std::stop_token stop,
                              RunStore* store) {
  State& state = *state_;
  auto checkpoint = open(request.model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  if ((*checkpoint)->is_plan())
    return fail(ErrorCode::unsupported, "This is a plan (a config.json without weights): it can be forecast, not run.");
  if (!state.tokenizer && needs_tokenizer(request)) {
    auto tokenizer = Tokenizer::of(**checkpoint);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    state.tokenizer = *tokenizer;
  }
  auto data = load_task_data(request, state.tokenizer.get(), (*checkpoint)->model(), state.resources, stop);
  if (!data) return tl::unexpected(data.error());
  auto backend = state.use_backend(with_device(request.settings, **checkpoint, *data));
  if (!backend) return tl::unexpected(backend.error());
  const DeviceDescription device = (*backend)->description();
  auto resolved = resolve_for_tasks(request.settings, **checkpoint, device, *data);
  if (!resolved) return tl::unexpected(error_of(resolved.error()));
  if (state.fingerprint.empty()) {
    auto fingerprint = (*checkpoint)->fingerprint();
    if (!fingerprint) return tl::unexpected(fingerprint.error());
    state.fingerprint = *fingerprint;
  }

  RunResult result;
  result.request = request;
  result.resolved = std::move(*resolved);
  result.provenance = provenance_of(**checkpoint, request.model, state.fingerprint, device);
  if (state.tokenizer) result.provenance.tokenizer = tokenizer_identity(*state.tokenizer);
  result.mapped_bytes = file_bytes(**checkpoint);
  if (observer.resolved) observer.resolved(result.resolved);
  begin_outcomes(result, *data);
  if (store != nullptr) {
    // Follow from the rest and are not stored.
    const ModelPlan plan = std::move(result.resolved.plan);
    const std::optional<ResolvedKlBase> kl_base = std::move(result.resolved.kl_base);
    auto begun = store->begin(result, data->items);
    if (!begun) return tl::unexpected(begun.error());
    result = std::move(*begun);
    result.resolved.plan = plan;
    result.resolved.kl_base = kl_base;
  }
  ItemKeeper keeper(store, stop);
  (*backend)->set_stop_token(keeper.token());
  (*backend)->ledger().reset_peak();
  reset_peak_resident();
  RunJob job{request, observer, keeper.token(), **checkpoint, **backend, state.tokenizer.get(),
             *data,   keeper,   state.kl_base,  result};
  finish(job);
  (*backend)->set_stop_token({});
  return result;
}

}  // namespace quantscope
