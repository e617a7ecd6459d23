// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/kl_tables.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "core/report/csv_table.h"

namespace quantscope {
namespace {

/// The figures of one run.
class KlRows {
 public:
  KlRows(CsvTable& table, const RunResult& run) : table_(table), run_(run) {}

  void put(std::string_view figure, std::string_view unit, double value, std::optional<double> error = {}) {
    table_.text(run_name(run_)).text(run_.kl->base).text(run_.kl->task.protocol).text(figure).text(unit).number(value);
    if (error)
      table_.number(*error);
    else
      table_.empty();
    table_.end_row();
  }
  void put(std::string_view figure, std::string_view unit, const MeanEstimate& estimate) {
    put(figure, unit, estimate.mean, estimate.error);
  }
  void put(std::string_view figure, std::string_view unit, const ValueWithError& value) {
    put(figure, unit, value.value, value.error);
  }
  void put_percentiles(std::string_view figure, std::string_view unit, const KlPercentiles& percentiles) {
    for (const double fraction : kl_fractions)
      put(fmt::format("{}_percentile_{:g}", figure, 100 * fraction), unit, KlResult::at(percentiles, fraction));
  }

 private:
  CsvTable& table_;
  const RunResult& run_;
};

void put_figures(KlRows rows, const KlResult& kl) {
  rows.put("kl_mean", "nats", kl.divergence);
  rows.put_percentiles("kl", "nats", kl.divergence_percentiles);
  rows.put("same_top", "0_to_1", kl.same_top);
  rows.put("delta_p_mean", "-1_to_1", kl.delta_p);
  rows.put("delta_p_rms", "0_to_1", kl.rms_delta_p);
  rows.put_percentiles("delta_p", "-1_to_1", kl.delta_p_percentiles);
  rows.put("nll_mean", "nats", kl.nll);
  rows.put("base_nll_mean", "nats", kl.base_nll);
  rows.put("nll_correlation", "-1_to_1", kl.nll_correlation);
  rows.put("perplexity", "", kl.perplexity());
  rows.put("base_perplexity", "", kl.base_perplexity());
  rows.put("ln_perplexity_ratio", "", kl.log_ratio);
  rows.put("perplexity_ratio", "", kl.perplexity_ratio());
  rows.put("perplexity_difference", "", kl.perplexity_difference());
  rows.put("scored_tokens", "tokens", static_cast<double>(kl.scored));
}

}  // namespace

std::string kl_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "base", "protocol", "figure", "unit", "value", "standard_error"});
  for (const RunResult& run : runs)
    if (run.kl) put_figures({table, run}, run.kl->result);
  return table.str();
}

std::string kl_chunks_csv(std::span<const RunResult> runs) {
  CsvTable table({"configuration", "base", "protocol", "chunk", "scored_tokens", "kl_sum_nats", "nll_sum_nats",
                  "base_nll_sum_nats", "same_top_tokens", "mean_kl_nats"});
  for (const RunResult& run : runs) {
    if (!run.kl) continue;
    for (const KlChunk& chunk : run.kl->result.chunks) {
      table.text(run_name(run)).text(run.kl->base).text(run.kl->task.protocol).integer(chunk.index);
      table.integer(chunk.scored).number(chunk.kl_sum).number(chunk.nll_sum).number(chunk.base_nll_sum);
      table.integer(chunk.same_top).number(chunk.kl_sum / static_cast<double>(chunk.scored)).end_row();
    }
  }
  return table.str();
}

std::string kl_tokens_csv(const KlResult& result) {
  CsvTable table({"chunk", "scored_token", "base_log_probability_nats", "log_probability_nats", "kl_nats", "same_top"});
  for (const KlChunk& chunk : result.chunks) {
    for (const HeadPair& token : chunk.tokens) {
      table.integer(chunk.index).integer(&token - chunk.tokens.data()).number(token.base_log_probability);
      table.number(token.log_probability).number(token.divergence).text(token.same_top ? "yes" : "no").end_row();
    }
  }
  return table.str();
}

}  // namespace quantscope
