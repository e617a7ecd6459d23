// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/evaluation_json.h"

#include <nlohmann/json.hpp>

#include "core/experiment/json_whole.h"
#include "core/experiment/request_json.h"

namespace quantscope {
using nlohmann::json;

namespace {

json answer_to_json(const QaAnswer& answer) {
  json scores;
  for (std::size_t i = 0; i < answer.scores.size(); ++i)
    scores[std::string(scorer_name(static_cast<Scorer>(i)))] = {{"f1", answer.scores[i].f1},
                                                                {"em", answer.scores[i].em}};
  return {{"story", answer.story_id},
          {"story_index", answer.item.story},
          {"question_index", answer.item.question},
          {"source", answer.source},
          {"turn", answer.turn},
          {"prediction", answer.prediction},
          {"references", answer.references},
          {"scores", std::move(scores)},
          {"f1", answer.scores[0].f1},
          {"em", answer.scores[0].em},
          {"prompt_tokens", answer.prompt_tokens},
          {"computed_tokens", answer.computed_tokens},
          {"generated_tokens", answer.generated_tokens},
          {"cut_left", answer.cut_left},
          {"stop", answer.stop},
          {"smallest_margin", answer.smallest_margin}};
}

void put_spread(json& value, const std::string& name, const Spread& spread) {
  value[name] = spread.median;
  value[name + "_min"] = spread.minimum;
  value[name + "_max"] = spread.maximum;
}

Spread get_spread(const json& value, const std::string& name) {
  return {value.at(name), value.at(name + "_min"), value.at(name + "_max")};
}

}  // namespace

QaAnswer answer_from_json(const json& value) {
  QaAnswer answer;
  answer.story_id = value.at("story");
  answer.item = {whole_of_element(value.at("story_index")), whole_of_element(value.at("question_index"))};
  answer.source = value.at("source");
  answer.turn = whole_of_element(value.at("turn"));
  answer.prediction = value.at("prediction");
  answer.references = value.at("references").get<std::vector<std::string>>();
  for (std::size_t i = 0; i < answer.scores.size(); ++i) {
    const json& score = value.at("scores").at(std::string(scorer_name(static_cast<Scorer>(i))));
    answer.scores[i] = {score.at("f1"), score.at("em")};
  }
  answer.prompt_tokens = whole_of_element(value.at("prompt_tokens"));
  answer.computed_tokens = whole_of_element(value.at("computed_tokens"));
  answer.generated_tokens = whole_of_element(value.at("generated_tokens"));
  answer.cut_left = value.at("cut_left");
  answer.stop = value.at("stop");
  answer.smallest_margin = value.at("smallest_margin");
  return answer;
}

json qa_to_json(const QaOutcome& outcome) {
  json domains = json::array();
  for (const DomainScore& score : outcome.domains(outcome.task.scorer))
    domains.push_back({{"domain", score.domain},
                       {"n", score.f1.n},
                       {"f1", score.f1.mean},
                       {"f1_error", score.f1.error},
                       {"em", score.em.mean},
                       {"em_error", score.em.error}});
  json items = json::array();
  for (const QaAnswer& answer : outcome.answers) items.push_back(answer_to_json(answer));
  const MeanEstimate f1 = outcome.f1(outcome.task.scorer);
  const MeanEstimate em = outcome.em(outcome.task.scorer);
  return {{"request", task_to_json(outcome.task)},
          {"dataset", outcome.dataset_name},
          {"dataset_hash", outcome.dataset_hash},
          {"notes", outcome.notes},
          {"scorer", scorer_name(outcome.task.scorer)},
          {"protocol", outcome.task.protocol},
          {"n", f1.n},
          {"f1", f1.mean},
          {"f1_error", f1.error},
          {"em", em.mean},
          {"em_error", em.error},
          {"domains", std::move(domains)},
          {"prompt_tokens", outcome.prompt_tokens()},
          {"computed_prompt_tokens", outcome.computed_prompt_tokens()},
          {"asked", outcome.asked},
          {"seconds", outcome.seconds},
          {"items", std::move(items)}};
}

Result<QaOutcome> qa_from_json(const json& value) {
  QaOutcome outcome;
  auto task = task_from_json(value.at("request"));
  if (!task) return tl::unexpected(task.error());
  outcome.task = std::move(*task);
  outcome.dataset_name = value.at("dataset");
  outcome.dataset_hash = value.at("dataset_hash");
  outcome.notes = value.at("notes").get<std::vector<std::string>>();
  outcome.asked = whole_or_zero(value, "asked");
  outcome.seconds = value.at("seconds");
  return outcome;
}

json perplexity_to_json(const PerplexityOutcome& outcome) {
  json chunks = json::array();
  for (const PerplexityChunk& chunk : outcome.result.chunks)
    chunks.push_back({{"index", chunk.index},
                      {"nll_sum", chunk.nll_sum},
                      {"nll_square_sum", chunk.nll_square_sum},
                      {"scored", chunk.scored}});
  return {{"request", task_to_json(outcome.task)},
          {"text", outcome.text_name},
          {"text_hash", outcome.text_hash},
          {"protocol", outcome.task.protocol},
          {"perplexity", outcome.result.perplexity},
          {"perplexity_error", outcome.result.perplexity_error},
          {"mean_nll", outcome.result.mean_nll},
          {"scored", outcome.result.scored},
          {"tokens", outcome.result.tokens},
          {"asked", outcome.asked},
          {"seconds", outcome.seconds},
          {"chunks", std::move(chunks)}};
}

Result<PerplexityOutcome> perplexity_from_json(const json& value) {
  PerplexityOutcome outcome;
  auto task = task_from_json(value.at("request"));
  if (!task) return tl::unexpected(task.error());
  outcome.task = std::move(*task);
  outcome.text_name = value.at("text");
  outcome.text_hash = value.at("text_hash");
  outcome.asked = whole_or_zero(value, "asked");
  outcome.seconds = value.at("seconds");
  outcome.result = {value.at("mean_nll"),      value.at("perplexity"),    value.at("perplexity_error"),
                    whole(value.at("scored")), whole(value.at("tokens")), {}};
  return outcome;
}

PerplexityChunk perplexity_chunk_from_json(const json& value) {
  return {whole_of_element(value.at("index")), value.at("nll_sum"), value.at("nll_square_sum"),
          whole_of_element(value.at("scored"))};
}

json speed_to_json(const SpeedResult& speed) {
  json value = {{"prompt_tokens", speed.options.prompt_tokens},
                {"generated_tokens", speed.options.generated_tokens},
                {"repetitions", speed.options.repetitions}};
  put_spread(value, "prompt_tokens_per_second", speed.prompt_tokens_per_second);
  put_spread(value, "generation_tokens_per_second", speed.generation_tokens_per_second);
  put_spread(value, "time_to_first_token", speed.time_to_first_token);
  value["load_seconds"] = speed.load_seconds;
  value["quantize_seconds"] = speed.quantize_seconds;
  value["bytes_per_token"] = speed.bytes_per_token;
  if (speed.memory_bandwidth > 0) {
    value["memory_bandwidth"] = speed.memory_bandwidth;
    put_spread(value, "bandwidth_share", speed.bandwidth_share());
  }
  return value;
}

SpeedResult speed_from_json(const json& value) {
  SpeedResult speed;
  speed.options = {whole(value.at("prompt_tokens")), whole(value.at("generated_tokens")),
                   whole(value.at("repetitions"))};
  speed.prompt_tokens_per_second = get_spread(value, "prompt_tokens_per_second");
  speed.generation_tokens_per_second = get_spread(value, "generation_tokens_per_second");
  speed.time_to_first_token = get_spread(value, "time_to_first_token");
  // Reports of earlier versions lack these.
  speed.load_seconds = value.value("load_seconds", 0.0);
  speed.quantize_seconds = value.value("quantize_seconds", 0.0);
  speed.bytes_per_token = whole_or_zero(value, "bytes_per_token");
  speed.memory_bandwidth = value.value("memory_bandwidth", 0.0);
  return speed;
}

}  // namespace quantscope
