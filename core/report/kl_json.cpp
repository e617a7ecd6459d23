// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/experiment/json_whole.h"
#include "core/experiment/request_json.h"
#include "core/report/evaluation_json.h"

namespace quantscope {
using nlohmann::json;

namespace {

void put(json& value, const std::string& name, const ValueWithError& figure) {
  value[name] = figure.value;
  value[name + "_error"] = figure.error;
}

void put(json& value, const std::string& name, const MeanEstimate& estimate) {
  put(value, name, ValueWithError{estimate.mean, estimate.error});
}

MeanEstimate get_estimate(const json& value, const std::string& name, std::int64_t n) {
  return {value.at(name), value.at(name + "_error"), n};
}

/// {"0": minimum, "0.1": ..., "100": maximum}: keys are percent.
json percentiles_to_json(const KlPercentiles& percentiles) {
  json value = json::object();
  for (std::size_t i = 0; i < percentiles.size(); ++i)
    value[fmt::format("{:g}", 100 * kl_fractions[i])] = percentiles[i];
  return value;
}

KlPercentiles percentiles_from_json(const json& value) {
  KlPercentiles percentiles;
  for (std::size_t i = 0; i < percentiles.size(); ++i)
    percentiles[i] = value.at(fmt::format("{:g}", 100 * kl_fractions[i]));
  return percentiles;
}

json chunk_to_json(const KlChunk& chunk) {
  return {{"index", chunk.index},
          {"scored", chunk.scored},
          {"kl_sum", chunk.kl_sum},
          {"nll_sum", chunk.nll_sum},
          {"base_nll_sum", chunk.base_nll_sum},
          {"delta_p_square_sum", chunk.delta_p_square_sum},
          {"same_top", chunk.same_top}};
}

void put_figures(json& value, const KlResult& result) {
  put(value, "same_top", result.same_top);
  put(value, "rms_delta_p", result.rms_delta_p);
  put(value, "mean_delta_p", result.delta_p);
  put(value, "mean_nll", result.nll);
  put(value, "base_mean_nll", result.base_nll);
  put(value, "perplexity", result.perplexity());
  put(value, "base_perplexity", result.base_perplexity());
  put(value, "ln_perplexity_ratio", result.log_ratio);
  put(value, "perplexity_ratio", result.perplexity_ratio());
  put(value, "perplexity_difference", result.perplexity_difference());
  value["nll_correlation"] = result.nll_correlation;
  const auto kl = [&](double fraction) { return KlResult::at(result.divergence_percentiles, fraction); };
  value["kl_mean"] = result.divergence.mean;
  value["kl_error"] = result.divergence.error;
  value["kl_median"] = kl(0.5);
  value["kl_p90"] = kl(0.9);
  value["kl_p95"] = kl(0.95);
  value["kl_p99"] = kl(0.99);
  value["kl_p99_9"] = kl(0.999);
  value["kl_max"] = kl(1);
  value["kl_percentiles"] = percentiles_to_json(result.divergence_percentiles);
  value["delta_p_percentiles"] = percentiles_to_json(result.delta_p_percentiles);
}

}  // namespace

json kl_to_json(const KlOutcome& outcome) {
  json chunks = json::array();
  for (const KlChunk& chunk : outcome.result.chunks) chunks.push_back(chunk_to_json(chunk));
  json value = {{"request", task_to_json(outcome.task)},
                {"text", outcome.text_name},
                {"text_hash", outcome.text_hash},
                {"protocol", outcome.task.protocol},
                {"base", outcome.base},
                {"definition", kl_definition},
                {"scored", outcome.result.scored},
                {"tokens", outcome.result.tokens},
                {"asked", outcome.asked},
                {"seconds", outcome.seconds},
                {"base_seconds", outcome.base_seconds},
                {"chunks", std::move(chunks)}};
  put_figures(value, outcome.result);
  return value;
}

Result<KlOutcome> kl_from_json(const json& value) {
  KlOutcome outcome;
  auto task = task_from_json(value.at("request"));
  if (!task) return tl::unexpected(task.error());
  outcome.task = std::move(*task);
  outcome.text_name = value.at("text");
  outcome.text_hash = value.at("text_hash");
  outcome.base = value.at("base");
  outcome.asked = whole_or_zero(value, "asked");
  outcome.seconds = value.at("seconds");
  outcome.base_seconds = value.at("base_seconds");
  KlResult& result = outcome.result;
  result.scored = whole(value.at("scored"));
  result.tokens = whole(value.at("tokens"));
  result.divergence = {value.at("kl_mean"), value.at("kl_error"), result.scored};
  result.divergence_percentiles = percentiles_from_json(value.at("kl_percentiles"));
  result.delta_p_percentiles = percentiles_from_json(value.at("delta_p_percentiles"));
  result.same_top = get_estimate(value, "same_top", result.scored);
  result.delta_p = get_estimate(value, "mean_delta_p", result.scored);
  result.rms_delta_p = {value.at("rms_delta_p"), value.at("rms_delta_p_error")};
  result.nll = get_estimate(value, "mean_nll", result.scored);
  result.base_nll = get_estimate(value, "base_mean_nll", result.scored);
  result.log_ratio = get_estimate(value, "ln_perplexity_ratio", result.scored);
  result.nll_correlation = value.at("nll_correlation");
  return outcome;
}

KlChunk kl_chunk_from_json(const json& value) {
  return {whole_of_element(value.at("index")),
          whole_of_element(value.at("scored")),
          value.at("kl_sum"),
          value.at("nll_sum"),
          value.at("base_nll_sum"),
          value.at("delta_p_square_sum"),
          whole_of_element(value.at("same_top")),
          {}};
}

}  // namespace quantscope
