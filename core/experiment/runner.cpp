// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "core/experiment/devices.h"
#include "core/experiment/kl_base.h"
#include "core/experiment/process_memory.h"
#include "core/experiment/run_store.h"
#include "core/experiment/stored_work.h"
#include "core/experiment/task_data.h"
#include "core/experiment/weight_planner.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/quantize/quantize_tensor.h"
#include "kernels/cpu/memory_bandwidth.h"

namespace quantscope {
namespace {

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
  std::filesystem::path path = model;
  if (model == "default") {
    auto found = default_model_path(state.resources);
    if (!found) return tl::unexpected(found.error());
    path = *found;
  }
  auto opened = Checkpoint::open(path);
  if (!opened) return opened;
  state.kl_base.clear();
  state.model_name = model;
  state.checkpoint = *opened;
  state.tokenizer.reset();
  state.fingerprint.clear();
  return state.checkpoint;
}

namespace {

/// Hands finished parts to a store, if there is one; the first failure is remembered and stops the run.
class Keeper {
 public:
  Keeper(RunStore* store, const std::stop_token& stop)
      : store_(store), chain_(stop, [this] { halt_.request_stop(); }) {}

  /// Stops when the caller stops or a part could not be kept.
  std::stop_token token() const { return halt_.get_token(); }
  const std::optional<Error>& error() const { return error_; }

  template <class Keep>
  void with_store(const Keep& keep) {
    if (store_ == nullptr || error_) return;
    const Result<void> kept = keep(*store_);
    if (kept) return;
    error_ = kept.error();
    halt_.request_stop();
  }

 private:
  RunStore* store_;
  std::optional<Error> error_;
  std::stop_source halt_;
  std::stop_callback<std::function<void()>> chain_;
};

/// One run in progress: what the steps below share.
struct Job {
  const RunRequest& request;
  const RunObserver& observer;
  std::stop_token stop;
  const Checkpoint& checkpoint;
  Backend& backend;
  const Tokenizer* tokenizer;
  const TaskData& data;
  Keeper& keeper;
  KlBaseKeeper& kl_bases;
  RunResult& result;  ///< at first what is stored of it
  std::optional<KlBase> kl_base = {};
};

WindowedText text_of(const Job& job, const ChunkRange& range) {
  return {job.tokenizer, job.data.text_ids, job.data.protocol, range.first, range.last};
}

std::vector<ChunkRange> missing_kl_chunks(const Job& job) {
  const KlOutcome& outcome = *job.result.kl;
  return missing_chunks(outcome.task, job.data.windows(), chunk_indices(outcome.result.chunks));
}

/// Before the model is loaded, so that the base's blocks are gone by then. Only for windows that are not stored.
Result<void> prepare_kl_base(Job& job) {
  if (!job.result.resolved.kl_base) {
    job.kl_bases.clear();
    return {};
  }
  const std::vector<ChunkRange> missing = missing_kl_chunks(job);
  if (missing.empty()) return {};
  const WindowedText text = text_of(job, {missing.front().first, missing.back().last});
  auto base = job.kl_bases.get(job.result.provenance.fingerprint + job.data.text_hash, job.checkpoint,
                               *job.result.resolved.kl_base, text, job.backend, job.observer.progress, job.stop);
  if (!base) return tl::unexpected(base.error());
  job.result.kl->base_seconds += job.kl_bases.seconds();
  job.kl_base = *base;
  return {};
}

Result<void> record_tensors(Job& job, const Model& model) {
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

Result<void> run_qa(Job& job, Decoder& decoder) {
  QaOutcome& outcome = *job.result.qa;
  const double before = outcome.seconds;
  const auto started = std::chrono::steady_clock::now();
  const auto keep = [&](const QaAnswer& answer) {
    outcome.answers.push_back(answer);
    outcome.seconds = before + seconds_since(started);
    job.keeper.with_store([&](RunStore& store) { return store.keep(answer, outcome.seconds); });
    if (job.observer.answer) job.observer.answer(answer);
  };
  QaOptions options;
  options.context = job.data.context;
  const std::vector<QaItem> left = unanswered(job.data.items, outcome.answers);
  auto answers =
      evaluate_qa(decoder, *job.tokenizer, *job.data.dataset, left, options, keep, job.observer.progress, job.stop);
  sort_answers(outcome.answers, job.data.items);
  if (!answers) return tl::unexpected(answers.error());
  return {};
}

Result<void> run_perplexity(Job& job, Decoder& decoder, const Task& task) {
  PerplexityOutcome& outcome = *job.result.perplexity;
  const double before = outcome.seconds;
  const auto started = std::chrono::steady_clock::now();
  std::vector<PerplexityChunk> finished = outcome.result.chunks;
  const auto keep = [&](const PerplexityChunk& chunk) {
    finished.push_back(chunk);
    outcome.seconds = before + seconds_since(started);
    job.keeper.with_store([&](RunStore& store) { return store.keep(chunk, outcome.seconds); });
    if (job.observer.chunk) job.observer.chunk(chunk);
  };
  Result<void> done;
  for (const ChunkRange& range : missing_chunks(task, job.data.windows(), chunk_indices(finished))) {
    auto measured = evaluate_perplexity(decoder, *job.tokenizer, job.data.text_ids, job.data.protocol, range.first,
                                        range.last, keep, job.observer.progress, job.stop);
    if (!measured) done = tl::unexpected(measured.error());
    if (!done) break;
  }
  std::ranges::sort(finished, {}, &PerplexityChunk::index);  // sums have one order, however the windows came
  outcome.result = summarize_perplexity(std::move(finished), static_cast<std::int64_t>(job.data.text_ids.size()));
  return done;
}

Result<void> run_kl(Job& job, Decoder& decoder) {
  KlOutcome& outcome = *job.result.kl;
  const double before = outcome.seconds;
  const auto started = std::chrono::steady_clock::now();
  std::vector<KlChunk> finished = outcome.result.chunks;
  const auto keep = [&](const KlChunk& chunk) {
    finished.push_back(chunk);
    outcome.seconds = before + seconds_since(started);
    job.keeper.with_store([&](RunStore& store) { return store.keep(chunk, outcome.seconds, outcome.base_seconds); });
    if (job.observer.kl_chunk) job.observer.kl_chunk(chunk);
  };
  Result<void> done;
  for (const ChunkRange& range : missing_kl_chunks(job)) {
    auto measured = evaluate_kl(decoder, *job.kl_base, text_of(job, range), keep, job.observer.progress, job.stop);
    if (!measured) done = tl::unexpected(measured.error());
    if (!done) break;
  }
  std::ranges::sort(finished, {}, &KlChunk::index);
  outcome.result = summarize_kl(std::move(finished), std::ssize(job.data.text_ids));
  return done;
}

/// Peaks over all sessions of the run.
void measure_memory(Job& job) {
  const MemoryRows peak = job.backend.ledger().peak();
  for (std::size_t tag = 0; tag < memory_tag_count; ++tag)
    job.result.measured.bytes[tag] = std::max(job.result.measured.bytes[tag], peak.bytes[tag]);
  job.result.peak_resident_bytes = std::max(job.result.peak_resident_bytes, peak_resident_bytes());
  job.result.peak_device_bytes = std::max(job.result.peak_device_bytes, job.backend.driver_bytes());
}

Result<void> run_speed(Job& job, Decoder& decoder, const Task& task) {
  if (job.result.speed) return {};
  auto speed = measure_speed(decoder, task.speed, job.observer.progress, job.stop);
  if (!speed) return tl::unexpected(speed.error());
  if (job.backend.description().id == "cpu") {
    measure_memory(job);  // without the large buffer that follows
    const auto bandwidth = measure_read_bandwidth(job.backend.description().threads, job.stop);
    reset_peak_resident();
    if (!bandwidth) return tl::unexpected(bandwidth.error());
    speed->memory_bandwidth = *bandwidth;
  }
  job.result.speed = *speed;
  job.keeper.with_store([&](RunStore& store) { return store.keep(*speed); });
  return {};
}

Result<void> run_task(Job& job, Decoder& decoder, const Task& task) {
  if (is_question_task(task.kind)) return run_qa(job, decoder);
  if (task.kind == TaskKind::perplexity) return run_perplexity(job, decoder, task);
  if (task.kind == TaskKind::kl) return run_kl(job, decoder);
  return run_speed(job, decoder, task);
}

void tell_stored_items(const Job& job) {
  if (job.result.qa && job.observer.answer)
    for (const QaAnswer& answer : job.result.qa->answers) job.observer.answer(answer);
  if (job.result.perplexity && job.observer.chunk)
    for (const PerplexityChunk& chunk : job.result.perplexity->result.chunks) job.observer.chunk(chunk);
  if (job.result.kl && job.observer.kl_chunk)
    for (const KlChunk& chunk : job.result.kl->result.chunks) job.observer.kl_chunk(chunk);
}

Result<void> execute(Job& job, std::int64_t kv_tokens) {
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
void finish(Job& job) {
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
  auto data = load_task_data(request, state.tokenizer.get(), (*checkpoint)->model(), state.resources);
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
  Keeper keeper(store, stop);
  (*backend)->set_stop_token(keeper.token());
  (*backend)->ledger().reset_peak();
  reset_peak_resident();
  Job job{request, observer, keeper.token(), **checkpoint, **backend, state.tokenizer.get(),
          *data,   keeper,   state.kl_base,  result};
  finish(job);
  (*backend)->set_stop_token({});
  return result;
}

}  // namespace quantscope
