// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "core/evaluate/qa_prompt.h"
#include "core/experiment/devices.h"
#include "core/experiment/process_memory.h"
#include "core/experiment/task_data.h"
#include "core/experiment/weight_planner.h"
#include "core/model/decoder.h"
#include "core/model/model.h"
#include "core/quantize/quantize_tensor.h"

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

  Result<Backend*> use_backend(const Settings& settings) {
    if (backend && same_device(settings, device_settings)) return backend.get();
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
  state.model_name = model;
  state.checkpoint = *opened;
  state.tokenizer.reset();
  state.fingerprint.clear();
  return state.checkpoint;
}

namespace {

/// One run in progress: what the steps below share.
struct Job {
  const RunRequest& request;
  const RunObserver& observer;
  std::stop_token stop;
  const Checkpoint& checkpoint;
  Backend& backend;
  const Tokenizer* tokenizer;
  const TaskData& data;
  RunResult& result;
};

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

Result<void> run_qa(Job& job, Decoder& decoder, const Task& task) {
  QaOutcome outcome;
  outcome.task = task;
  outcome.task.protocol = prompt_name(job.data.dataset->prompt);
  outcome.dataset_name = job.data.dataset->name;
  outcome.dataset_hash = job.data.dataset->hash;
  outcome.notes = job.data.dataset->notes();
  job.result.qa = std::move(outcome);
  QaOutcome& stored = *job.result.qa;
  const auto started = std::chrono::steady_clock::now();
  const auto keep = [&](const QaAnswer& answer) {
    stored.answers.push_back(answer);
    stored.seconds = seconds_since(started);
    if (job.observer.answer) job.observer.answer(answer);
  };
  QaOptions options;
  options.context = job.data.context;
  auto answers = evaluate_qa(decoder, *job.tokenizer, *job.data.dataset, job.data.items, options, keep,
                             job.observer.progress, job.stop);
  // Questions of several stories are answered at once; the rows of a result stand in the order of the dataset.
  std::ranges::sort(stored.answers, {},
                    [](const QaAnswer& answer) { return std::pair(answer.item.story, answer.item.question); });
  if (!answers) return tl::unexpected(answers.error());
  return {};
}

Result<void> run_perplexity(Job& job, Decoder& decoder, const Task& task) {
  PerplexityOutcome outcome;
  outcome.task = task;
  outcome.task.protocol = job.data.protocol.name;
  outcome.text_name = job.data.text_name;
  outcome.text_hash = job.data.text_hash;
  const auto started = std::chrono::steady_clock::now();
  std::vector<PerplexityChunk> finished;
  const auto keep = [&](const PerplexityChunk& chunk) {
    finished.push_back(chunk);
    if (job.observer.chunk) job.observer.chunk(chunk);
  };
  auto measured = evaluate_perplexity(decoder, *job.tokenizer, job.data.text_ids, job.data.protocol, task.first_chunk,
                                      task.last_chunk, keep, job.observer.progress, job.stop);
  if (!finished.empty()) {
    outcome.result = summarize_perplexity(std::move(finished), static_cast<std::int64_t>(job.data.text_ids.size()));
    outcome.seconds = seconds_since(started);
    job.result.perplexity = std::move(outcome);
  }
  if (!measured) return tl::unexpected(measured.error());
  return {};
}

Result<void> run_task(Job& job, Decoder& decoder, const Task& task) {
  if (is_question_task(task.kind)) return run_qa(job, decoder, task);
  if (task.kind == TaskKind::perplexity) return run_perplexity(job, decoder, task);
  auto speed = measure_speed(decoder, task.speed, job.observer.progress, job.stop);
  if (!speed) return tl::unexpected(speed.error());
  job.result.speed = *speed;
  return {};
}

void measure_memory(Job& job) {
  job.result.measured = job.backend.ledger().peak();
  job.result.peak_resident_bytes = peak_resident_bytes();
}

Result<void> execute(Job& job, std::int64_t kv_tokens) {
  const ModelPlan& plan = job.result.resolved.plan;
  auto model = Model::load(job.checkpoint, plan, job.backend, job.observer.progress, job.stop);
  if (!model) return tl::unexpected(model.error());
  job.result.load_seconds = (*model)->load_seconds();
  if (auto recorded = record_tensors(job, **model); !recorded) return recorded;
  job.backend.ledger().reset_peak();  // what loading needed for a moment is not what running needs
  auto decoder = Decoder::create(**model, plan.kv_type, kv_tokens, default_batch_rows);
  if (!decoder) return tl::unexpected(decoder.error());
  measure_memory(job);
  if (job.observer.loaded) job.observer.loaded(job.result);
  for (const Task& task : job.request.tasks) {
    auto done = run_task(job, **decoder, task);
    measure_memory(job);
    if (!done) return done;
  }
  return {};
}

/// With the KV cache that answers several questions at once where it fits into the free memory, else with the smallest.
tl::expected<Resolved, Conflict> resolve_for_tasks(const Settings& settings, const Checkpoint& checkpoint,
                                                   const DeviceDescription& device, TaskData& data) {
  auto resolved = resolve(settings, checkpoint.model(), checkpoint.tensors(), device, {data.kv_tokens});
  if (!resolved || resolved->memory_warning.empty() || data.kv_tokens == data.context) return resolved;
  data.kv_tokens = data.context;
  return resolve(settings, checkpoint.model(), checkpoint.tensors(), device, {data.kv_tokens});
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

Result<RunResult> Runner::run(const RunRequest& request, const RunObserver& observer, std::stop_token stop) {
  State& state = *state_;
  auto checkpoint = open(request.model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  if ((*checkpoint)->is_plan())
    return fail(ErrorCode::unsupported, "This is a plan (a config.json without weights): it can be forecast, not run.");
  auto backend = state.use_backend(request.settings);
  if (!backend) return tl::unexpected(backend.error());
  if (!state.tokenizer && needs_tokenizer(request)) {
    auto tokenizer = Tokenizer::of(**checkpoint);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    state.tokenizer = *tokenizer;
  }
  auto data = load_task_data(request, state.tokenizer.get(), (*checkpoint)->model(), state.resources);
  if (!data) return tl::unexpected(data.error());
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
  (*backend)->set_stop_token(stop);
  (*backend)->ledger().reset_peak();
  Job job{request, observer, stop, **checkpoint, **backend, state.tokenizer.get(), *data, result};
  if (auto done = execute(job, data->kv_tokens); !done) {
    result.state = done.error().code == ErrorCode::cancelled ? RunState::stopped : RunState::failed;
    result.error = done.error();
  }
  (*backend)->set_stop_token({});
  return result;
}

}  // namespace quantscope
