// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/tables.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/report/csv_table.h"
#include "core/report/pairs.h"

namespace quantscope {
namespace {

/// `n` of `asked` questions are answered; windows likewise. What was asked for is empty where it is not known.
constexpr std::array<std::string_view, 48> run_columns = {"configuration",
                                                          "label",
                                                          "state",
                                                          "weights_bytes",
                                                          "as_commonly_reported_bytes",
                                                          "total_bytes",
                                                          "bits_per_quantized_weight",
                                                          "bits_per_weight",
                                                          "load_seconds",
                                                          "dataset",
                                                          "dataset_hash",
                                                          "items_of_each_story",
                                                          "sample",
                                                          "prompt_protocol",
                                                          "scorer",
                                                          "n",
                                                          "asked",
                                                          "f1_0_to_1",
                                                          "f1_standard_error",
                                                          "em_0_to_1",
                                                          "em_standard_error",
                                                          "qa_seconds",
                                                          "perplexity_text",
                                                          "perplexity_text_hash",
                                                          "perplexity_protocol",
                                                          "perplexity",
                                                          "perplexity_error",
                                                          "perplexity_scored_tokens",
                                                          "perplexity_windows",
                                                          "perplexity_windows_asked",
                                                          "kl_base",
                                                          "kl_mean_nats",
                                                          "kl_standard_error",
                                                          "same_top_0_to_1",
                                                          "log_perplexity_ratio",
                                                          "log_perplexity_ratio_standard_error",
                                                          "kl_windows",
                                                          "kl_windows_asked",
                                                          "prompt_tokens_per_second",
                                                          "generation_tokens_per_second",
                                                          "checkpoint",
                                                          "fingerprint",
                                                          "baseline_note",
                                                          "device",
                                                          "dispatch_level",
                                                          "threads",
                                                          "program_version",
                                                          "notes"};

std::string label_of(const RunResult& run) {
  return run.provenance.imported_from.empty() ? configuration_label(run.request.settings)
                                              : "answers of another program";
}

void put_estimate(CsvTable& table, const MeanEstimate& estimate) {
  table.number(estimate.mean);
  if (estimate.has_error())
    table.number(estimate.error);
  else
    table.empty();
}

/// Items that a task asks for, where it is known.
void put_asked(CsvTable& table, std::int64_t asked) {
  if (asked > 0)
    table.integer(asked);
  else
    table.empty();
}

void put_scores(CsvTable& table, const RunResult& run) {
  if (!run.qa || run.qa->answers.empty()) {
    table.empty(13);
    return;
  }
  const Scorer scorer = run.qa->task.scorer;
  const MeanEstimate f1 = run.qa->f1(scorer);
  const MeanEstimate em = run.qa->em(scorer);
  table.text(run.qa->dataset_name).text(run.qa->dataset_hash).text(run.qa->task.items == Items::all ? "all" : "last");
  table.text(sample_text(run.qa->task.sample)).text(run.qa->task.protocol).text(scorer_name(scorer)).integer(f1.n);
  put_asked(table, run.qa->asked);
  put_estimate(table, f1);
  put_estimate(table, em);
  table.number(run.qa->seconds);
}

void put_perplexity(CsvTable& table, const RunResult& run) {
  if (!run.perplexity) {
    table.empty(8);
    return;
  }
  const PerplexityResult& result = run.perplexity->result;
  table.text(run.perplexity->text_name)
      .text(run.perplexity->text_hash)
      .text(run.perplexity->task.protocol)
      .number(result.perplexity)
      .number(result.perplexity_error);
  table.integer(result.scored).integer(std::ssize(result.chunks));
  put_asked(table, run.perplexity->asked);
}

void put_kl(CsvTable& table, const RunResult& run) {
  if (!run.kl) {
    table.empty(8);
    return;
  }
  const KlResult& kl = run.kl->result;
  table.text(run.kl->base).number(kl.divergence.mean).number(kl.divergence.error).number(kl.same_top.mean);
  table.number(kl.log_ratio.mean).number(kl.log_ratio.error).integer(std::ssize(kl.chunks));
  put_asked(table, run.kl->asked);
}

void put_speed(CsvTable& table, const RunResult& run) {
  if (!run.speed) {
    table.empty(2);
    return;
  }
  table.number(run.speed->prompt_tokens_per_second.median).number(run.speed->generation_tokens_per_second.median);
}

void put_comparison(CsvTable& table, const PairRow& row) {
  const PairedComparison& pair = *row.comparison;
  table.integer(pair.n).number(pair.difference);
  // Questions of one story depend on each other: their interval comes from stories alone.
  if (pair.clusters == pair.n)
    table.number(pair.error);
  else
    table.empty();
  table.number(pair.low).number(pair.high).number(pair.p).number(row.p_holm);
  if (row.figure == PairFigure::f1)
    table.integer(pair.flips_worse).integer(pair.flips_better).number(pair.mcnemar_p);
  else
    table.empty(3);
  table.integer(pair.n_needed);
}

}  // namespace

std::string runs_csv(std::span<const RunResult> runs) {
  CsvTable table({run_columns.begin(), run_columns.end()});
  for (const RunResult& run : runs) {
    table.text(run_name(run)).text(label_of(run));
    table.text(run_state_name(run.state));
    table.integer(run.measured.weights()).integer(run.resolved.as_commonly_reported).integer(run.measured.total());
    table.number(run.resolved.bits_per_quantized_weight).number(run.resolved.bits_per_weight).number(run.load_seconds);
    put_scores(table, run);
    put_perplexity(table, run);
    put_kl(table, run);
    put_speed(table, run);
    const Provenance& from = run.provenance;
    table.text(from.checkpoint).text(from.fingerprint).text(from.baseline_note).text(from.device);
    table.text(from.dispatch_level).integer(from.threads).text(from.program_version);
    table.text(run.qa ? fmt::format("{}", fmt::join(run.qa->notes, " ")) : std::string());
    table.end_row();
  }
  return table.str();
}

std::string questions_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "story", "source", "turn", "prediction", "references", "f1_lm_eval", "em_lm_eval",
                  "f1_official", "em_official", "f1_max", "em_max", "prompt_tokens", "computed_tokens",
                  "generated_tokens", "cut_left", "stop", "smallest_top2_margin"});
  for (const RunResult& run : runs) {
    if (!run.qa) continue;
    for (const QaAnswer& answer : run.qa->answers) {
      table.text(run_name(run)).text(answer.story_id).text(answer.source).integer(answer.turn).text(answer.prediction);
      table.text(fmt::format("{}", fmt::join(answer.references, " | ")));
      for (const QaScore& score : answer.scores) table.number(score.f1).number(score.em);
      table.integer(answer.prompt_tokens).integer(answer.computed_tokens).integer(answer.generated_tokens);
      table.text(answer.cut_left ? "yes" : "no").text(answer.stop).number(answer.smallest_margin);
      table.end_row();
    }
  }
  return table.str();
}

std::string memory_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "row", "forecast_bytes", "measured_bytes"});
  for (const RunResult& run : runs) {
    const auto put = [&](std::string_view row, std::int64_t forecast, std::int64_t measured) {
      table.text(run_name(run)).text(row).integer(forecast).integer(measured).end_row();
    };
    for (std::size_t i = 0; i < memory_tag_count; ++i)
      put(memory_tag_name(static_cast<MemoryTag>(i)), run.resolved.forecast.bytes[i], run.measured.bytes[i]);
    put("weights", run.resolved.forecast.weights(), run.measured.weights());
    put("total", run.resolved.forecast.total(), run.measured.total());
    table.text(run_name(run)).text("as_commonly_reported").integer(run.resolved.as_commonly_reported).empty().end_row();
    table.text(run_name(run)).text("mapped_file").empty().integer(run.mapped_bytes).end_row();
    table.text(run_name(run)).text("process_peak_resident").empty().integer(run.peak_resident_bytes).end_row();
    if (run.peak_device_bytes > 0)
      table.text(run_name(run)).text("device_by_driver").empty().integer(run.peak_device_bytes).end_row();
  }
  return table.str();
}

std::string tensors_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "tensor", "format", "rows", "columns", "codes_bytes", "scales_bytes",
                  "relative_error", "sqnr_db", "cosine", "max_absolute_error", "mean_absolute_error"});
  for (const RunResult& run : runs) {
    for (const TensorRecord& record : run.tensors) {
      table.text(run_name(run)).text(record.name).text(record.format).integer(record.rows).integer(record.columns);
      table.integer(record.bytes.codes).integer(record.bytes.scales).number(record.error.relative_error);
      table.number(record.error.sqnr_db).number(record.error.cosine).number(record.error.max_absolute);
      table.number(record.error.mean_absolute).end_row();
    }
  }
  return table.str();
}

std::string pairs_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "baseline", "figure", "scorer", "n", "difference", "standard_error", "low_95",
                  "high_95", "p_sign_flip", "p_holm", "flips_worse", "flips_better", "p_mcnemar",
                  "n_needed_80_percent_power", "verdict"});
  for (const PairRow& row : pair_rows(runs)) {
    table.text(row.configuration).text(row.baseline).text(pair_figure_name(row.figure));
    table.text(row.figure == PairFigure::f1 ? scorer_name(row.scorer) : "");
    if (!row.comparison) {
      table.empty(11).text(row.verdict).end_row();
      continue;
    }
    put_comparison(table, row);
    table.text(row.verdict).end_row();
  }
  return table.str();
}

std::string chunks_csv(std::span<const RunResult> runs) {
  CsvTable table(
      {"configuration", "protocol", "chunk", "scored_tokens", "nll_sum_nats", "nll_square_sum_nats2", "mean_nll_nats"});
  for (const RunResult& run : runs) {
    if (!run.perplexity) continue;
    for (const PerplexityChunk& chunk : run.perplexity->result.chunks) {
      table.text(run_name(run)).text(run.perplexity->task.protocol).integer(chunk.index).integer(chunk.scored);
      table.number(chunk.nll_sum).number(chunk.nll_square_sum);
      table.number(chunk.nll_sum / static_cast<double>(chunk.scored)).end_row();
    }
  }
  return table.str();
}

std::string speed_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "figure", "unit", "median", "minimum", "maximum", "repetitions", "tokens"});
  for (const RunResult& run : runs) {
    const auto put = [&](std::string_view figure, std::string_view unit, const Spread& spread, std::int64_t repetitions,
                         std::int64_t tokens) {
      table.text(run_name(run)).text(figure).text(unit).number(spread.median).number(spread.minimum);
      table.number(spread.maximum).integer(repetitions).integer(tokens).end_row();
    };
    if (run.load_seconds > 0) put("load", "seconds", {run.load_seconds, run.load_seconds, run.load_seconds}, 1, 0);
    if (!run.speed) continue;
    const double quantize = run.speed->quantize_seconds;
    put("quantize", "seconds", {quantize, quantize, quantize}, 1, 0);
    const SpeedOptions& options = run.speed->options;
    put("prompt", "tokens_per_second", run.speed->prompt_tokens_per_second, options.repetitions, options.prompt_tokens);
    put("generation", "tokens_per_second", run.speed->generation_tokens_per_second, options.repetitions,
        options.generated_tokens);
    put("time_to_first_token", "seconds", run.speed->time_to_first_token, options.repetitions, options.prompt_tokens);
    const double bandwidth = run.speed->memory_bandwidth;
    if (bandwidth == 0) continue;
    put("memory_bandwidth", "bytes_per_second", {bandwidth, bandwidth, bandwidth}, 1, 0);
    put("share_of_memory_bandwidth", "0_to_1", run.speed->bandwidth_share(), options.repetitions,
        options.generated_tokens);
  }
  return table.str();
}

std::string domains_csv(std::span<const RunResult> runs) {
  CsvTable table(
      {"configuration", "scorer", "domain", "n", "f1_0_to_1", "f1_standard_error", "em_0_to_1", "em_standard_error"});
  for (const RunResult& run : runs) {
    if (!run.qa) continue;
    for (const Scorer scorer : {Scorer::lm_eval, Scorer::official, Scorer::max}) {
      for (const DomainScore& score : run.qa->domains(scorer)) {
        table.text(run_name(run)).text(scorer_name(scorer)).text(score.domain).integer(score.f1.n);
        put_estimate(table, score.f1);
        put_estimate(table, score.em);
        table.end_row();
      }
    }
  }
  return table.str();
}

}  // namespace quantscope
