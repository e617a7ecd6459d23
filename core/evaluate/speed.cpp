// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/evaluate/speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/evaluate/random.h"
#include "kernels/clock.h"

namespace quantscope {
namespace {

constexpr std::uint64_t prompt_seed = 1;

struct Timing {
  double prompt_seconds = 0;
  double first_token_seconds = 0;  ///< prompt included
  double generation_seconds = 0;
};

std::vector<std::int32_t> fixed_prompt(std::int64_t tokens, std::int64_t vocabulary) {
  Pcg32 random(prompt_seed);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens));
  for (auto& id : ids) id = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(vocabulary)));
  return ids;
}

/// End tokens do not end it: the work must be the same for every model.
Result<void> generate(Decoder& decoder, Decoder::Sequence& sequence, TopToken next, std::int64_t tokens) {
  for (std::int64_t i = 0; i < tokens; ++i) {
    if (auto appended = decoder.append(sequence, {&next.id, 1}); !appended) return appended;
    const auto top = decoder.top();
    if (!top) return tl::unexpected(top.error());
    next = *top;
  }
  return {};
}

Result<Timing> run_once(Decoder& decoder, std::span<const std::int32_t> prompt, std::int64_t generated_tokens) {
  Backend& backend = decoder.model().backend();
  Decoder::Sequence sequence = decoder.new_sequence();
  Timing timing;
  const auto start = Clock::now();
  if (auto appended = decoder.append(sequence, prompt); !appended) return tl::unexpected(appended.error());
  if (auto finished = backend.synchronize(); !finished) return tl::unexpected(finished.error());
  timing.prompt_seconds = seconds_since(start);
  const auto first = decoder.top();
  if (!first) return tl::unexpected(first.error());
  timing.first_token_seconds = seconds_since(start);
  const auto generation_start = Clock::now();
  if (auto done = generate(decoder, sequence, *first, generated_tokens); !done) return tl::unexpected(done.error());
  timing.generation_seconds = seconds_since(generation_start);
  return timing;
}

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

template <class Figure>
Spread spread_over(const std::vector<Timing>& timings, Figure figure) {
  std::vector<double> values;
  for (const Timing& timing : timings) values.push_back(figure(timing));
  return spread_of(std::move(values));
}

SpeedResult summarize(const SpeedOptions& options, const std::vector<Timing>& timings) {
  // A clock too coarse for a tiny model must not divide by zero.
  const auto rate = [](std::int64_t tokens, double seconds) {
    return static_cast<double>(tokens) / std::max(seconds, std::numeric_limits<double>::min());
  };
  SpeedResult result;
  result.options = options;
  result.prompt_tokens_per_second =
      spread_over(timings, [&](const Timing& t) { return rate(options.prompt_tokens, t.prompt_seconds); });
  result.generation_tokens_per_second =
      spread_over(timings, [&](const Timing& t) { return rate(options.generated_tokens, t.generation_seconds); });
  result.time_to_first_token = spread_over(timings, [](const Timing& t) { return t.first_token_seconds; });
  return result;
}

Result<void> check_options(const Decoder& decoder, const SpeedOptions& options) {
  if (options.prompt_tokens < 1 || options.generated_tokens < 1 || options.repetitions < 1) {
    return fail(ErrorCode::invalid_argument,
                "A speed test needs at least one prompt token, one generated token and one repetition.");
  }
  const std::int64_t capacity = decoder.capacity();
  if (options.prompt_tokens > capacity || options.generated_tokens > capacity - options.prompt_tokens) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} prompt and {} generated tokens do not fit a context of {} tokens; choose fewer.",
                            options.prompt_tokens, options.generated_tokens, capacity));
  }
  return {};
}

}  // namespace

Spread SpeedResult::bandwidth_share() const {
  if (memory_bandwidth <= 0) return {};
  const auto share = [&](double rate) { return static_cast<double>(bytes_per_token) * rate / memory_bandwidth; };
  const Spread& rates = generation_tokens_per_second;
  return {share(rates.median), share(rates.minimum), share(rates.maximum)};
}

std::int64_t bytes_per_generated_token(const Decoder& decoder, const SpeedOptions& options) {
  const bool tied = decoder.model().description().tied_head;
  std::int64_t bytes = 0;
  for (const Model::Entry& entry : decoder.model().entries()) {
    if (entry.plan.slot.role == WeightRole::embedding && !tied) continue;
    const FormatBytes of_weight = format_bytes(entry.weight->format, entry.weight->rows, entry.weight->columns);
    bytes += of_weight.codes + of_weight.scales;
  }
  const KvShape& cache = decoder.cache().shape();
  const std::int64_t bytes_per_position = cache.bytes() / (cache.pages * cache.page_tokens);
  return bytes + bytes_per_position * (options.prompt_tokens + options.generated_tokens / 2);
}

Result<SpeedResult> measure_speed(Decoder& decoder, const SpeedOptions& options, const ProgressFn& progress,
                                  std::stop_token stop) {
  if (auto checked = check_options(decoder, options); !checked) return tl::unexpected(checked.error());
  if (stop.stop_possible()) decoder.model().backend().set_stop_token(stop);
  const auto prompt = fixed_prompt(options.prompt_tokens, decoder.model().description().vocabulary);
  std::vector<Timing> timings;
  const std::int64_t runs = options.repetitions + std::int64_t{1};
  for (std::int64_t run = 0; run < runs; ++run) {
    if (stop.stop_requested()) return cancelled();
    if (progress) progress({"Speed", run, runs, run == 0 ? "warm-up" : ""});
    const auto timing = run_once(decoder, prompt, options.generated_tokens);
    if (!timing) return tl::unexpected(timing.error());
    if (run > 0) timings.push_back(*timing);
  }
  if (progress) progress({"Speed", runs, runs, {}});
  SpeedResult result = summarize(options, timings);
  result.load_seconds = decoder.model().load_seconds();
  result.quantize_seconds = decoder.model().quantize_seconds();
  result.bytes_per_token = bytes_per_generated_token(decoder, options);
  return result;
}

}  // namespace quantscope
