// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/run_tasks.h"

#include <algorithm>

#include "core/experiment/process_memory.h"
#include "core/experiment/stored_work.h"
#include "kernels/clock.h"
#include "kernels/cpu/memory_bandwidth.h"

namespace quantscope {
namespace {

WindowedText text_of(const RunJob& job, const ChunkRange& range) {
  return {job.tokenizer, job.data.text_ids, job.data.protocol, range.first, range.last};
}

std::vector<ChunkRange> missing_kl_chunks(const RunJob& job) {
  const KlOutcome& outcome = *job.result.kl;
  return missing_chunks(outcome.task, job.data.windows(), chunk_indices(outcome.result.chunks));
}

/// measure(range) for each until one fails; its results come as it goes.
template <class Measure>
Result<void> measure_ranges(const std::vector<ChunkRange>& ranges, const Measure& measure) {
  for (const ChunkRange& range : ranges)
    if (auto measured = measure(range); !measured) return tl::unexpected(measured.error());
  return {};
}

Result<void> run_qa(RunJob& job, Decoder& decoder) {
  QaOutcome& outcome = *job.result.qa;
  const double before = outcome.seconds;
  const auto started = Clock::now();
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

Result<void> run_perplexity(RunJob& job, Decoder& decoder, const Task& task) {
  PerplexityOutcome& outcome = *job.result.perplexity;
  const double before = outcome.seconds;
  const auto started = Clock::now();
  std::vector<PerplexityChunk> finished = outcome.result.chunks;
  const auto keep = [&](const PerplexityChunk& chunk) {
    finished.push_back(chunk);
    outcome.seconds = before + seconds_since(started);
    job.keeper.with_store([&](RunStore& store) { return store.keep(chunk, outcome.seconds); });
    if (job.observer.chunk) job.observer.chunk(chunk);
  };
  const auto ranges = missing_chunks(task, job.data.windows(), chunk_indices(finished));
  Result<void> done = measure_ranges(ranges, [&](const ChunkRange& range) {
    return evaluate_perplexity(decoder, *job.tokenizer, job.data.text_ids, job.data.protocol, range.first, range.last,
                               keep, job.observer.progress, job.stop);
  });
  std::ranges::sort(finished, {}, &PerplexityChunk::index);  // sums have one order, however the windows came
  outcome.result = summarize_perplexity(std::move(finished), static_cast<std::int64_t>(job.data.text_ids.size()));
  return done;
}

Result<void> run_kl(RunJob& job, Decoder& decoder) {
  KlOutcome& outcome = *job.result.kl;
  const double before = outcome.seconds;
  const auto started = Clock::now();
  std::vector<KlChunk> finished = outcome.result.chunks;
  const auto keep = [&](const KlChunk& chunk) {
    finished.push_back(chunk);
    outcome.seconds = before + seconds_since(started);
    job.keeper.with_store([&](RunStore& store) { return store.keep(chunk, outcome.seconds, outcome.base_seconds); });
    if (job.observer.kl_chunk) job.observer.kl_chunk(chunk);
  };
  Result<void> done = measure_ranges(missing_kl_chunks(job), [&](const ChunkRange& range) {
    return evaluate_kl(decoder, *job.kl_base, text_of(job, range), keep, job.observer.progress, job.stop);
  });
  std::ranges::sort(finished, {}, &KlChunk::index);
  outcome.result = summarize_kl(std::move(finished), std::ssize(job.data.text_ids));
  return done;
}

Result<void> run_speed(RunJob& job, Decoder& decoder, const Task& task) {
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

}  // namespace

Result<void> prepare_kl_base(RunJob& job) {
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

void measure_memory(RunJob& job) {
  const MemoryRows peak = job.backend.ledger().peak();
  for (std::size_t tag = 0; tag < memory_tag_count; ++tag)
    job.result.measured.bytes[tag] = std::max(job.result.measured.bytes[tag], peak.bytes[tag]);
  job.result.peak_resident_bytes = std::max(job.result.peak_resident_bytes, peak_resident_bytes());
  job.result.peak_device_bytes = std::max(job.result.peak_device_bytes, job.backend.driver_bytes());
}

Result<void> run_task(RunJob& job, Decoder& decoder, const Task& task) {
  if (is_question_task(task.kind)) return run_qa(job, decoder);
  if (task.kind == TaskKind::perplexity) return run_perplexity(job, decoder, task);
  if (task.kind == TaskKind::kl) return run_kl(job, decoder);
  return run_speed(job, decoder, task);
}

void tell_stored_items(const RunJob& job) {
  if (job.result.qa && job.observer.answer)
    for (const QaAnswer& answer : job.result.qa->answers) job.observer.answer(answer);
  if (job.result.perplexity && job.observer.chunk)
    for (const PerplexityChunk& chunk : job.result.perplexity->result.chunks) job.observer.chunk(chunk);
  if (job.result.kl && job.observer.kl_chunk)
    for (const KlChunk& chunk : job.result.kl->result.chunks) job.observer.kl_chunk(chunk);
}

}  // namespace quantscope
