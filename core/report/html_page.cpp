// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/report/html_page.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "core/report/figure_text.h"
#include "core/report/html_text.h"
#include "core/report/layer_section.h"
#include "core/report/pairs.h"
#include "core/report/published_table.h"
#include "core/report/sentences.h"

namespace quantscope {
namespace {

constexpr std::string_view style =
    "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1em 0}th,td{border-bottom:1px solid #ccc;padding:.3em .7em;text-align:right}"
    "th:first-child,td:first-child{text-align:left}img{max-width:100%}figure{margin:2em 0}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#222}th,td{border-color:#555}img{background:#fff}}";

std::string mib(std::int64_t bytes) { return bytes == 0 ? "" : mebibytes_text(bytes); }

std::vector<std::string> row_of(const RunResult& run) {
  std::vector<std::string> row = {run_name(run), mib(run.measured.weights()), mib(run.resolved.as_commonly_reported),
                                  run.measured.weights() > 0 ? bits_per_weight_text(run.resolved.bits_per_weight) : ""};
  if (run.qa && !run.qa->answers.empty()) {
    const MeanEstimate f1 = run.qa->f1(run.qa->task.scorer);
    row.insert(row.end(),
               {percent_text(f1), percent_text(run.qa->em(run.qa->task.scorer)), count_text(f1.n, run.qa->asked)});
  } else {
    row.insert(row.end(), {"", "", ""});
  }
  row.push_back(run.perplexity ? perplexity_text(run.perplexity->result) : "");
  row.push_back(run.speed ? rate_text(run.speed->prompt_tokens_per_second) : "");
  row.push_back(run.speed ? rate_text(run.speed->generation_tokens_per_second) : "");
  return row;
}

std::string results_table(std::span<const RunResult> runs) {
  std::vector<std::vector<std::string>> rows = {
      {"configuration", "weights, MiB", "as commonly reported, MiB", "bits per weight", "F1, % ± standard error",
       "EM, % ± standard error", "n", "perplexity ± error", "prompt, tokens/s", "generation, tokens/s"}};
  for (const RunResult& run : runs) rows.push_back(row_of(run));
  return html_table(rows);
}

/// F1 of each domain where a run has several.
std::string domains_table(std::span<const RunResult> runs) {
  std::vector<std::vector<std::string>> rows = {
      {"configuration", "domain", "F1, % ± standard error", "EM, % ± standard error", "n"}};
  for (const RunResult& run : runs) {
    if (!run.qa) continue;
    const std::vector<DomainScore> domains = run.qa->domains(run.qa->task.scorer);
    if (domains.size() < 2) continue;
    for (const DomainScore& score : domains)
      rows.push_back(
          {run_name(run), score.domain, percent_text(score.f1), percent_text(score.em), std::to_string(score.f1.n)});
  }
  return rows.size() == 1 ? std::string() : html_heading("By domain") + html_table(rows);
}

std::vector<std::string> pair_sentences(std::span<const PairRow> pairs) {
  std::vector<std::string> sentences;
  for (const PairRow& pair : pairs) sentences.push_back(pair_sentence(pair));
  return sentences;
}

/// What the chart of the scores supports.
std::vector<std::string> score_sentences(std::span<const RunResult> runs) {
  std::vector<PairRow> pairs = pair_rows(runs);
  std::erase_if(pairs, [](const PairRow& pair) { return pair.figure != PairFigure::f1; });
  return pair_sentences(pairs);
}

std::vector<std::string> difference_sentences(std::span<const RunResult> runs) {
  std::vector<std::string> sentences = pair_sentences(pair_rows(runs));
  for (std::string& sentence : kl_sentences(runs)) sentences.push_back(std::move(sentence));
  return sentences;
}

std::string figure(const std::filesystem::path& png, const std::vector<std::string>& sentences,
                   std::string_view title) {
  std::ifstream file(png, std::ios::binary);
  if (!file) return {};
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return fmt::format(
      "<figure>\n<img alt=\"{0}\" src=\"data:image/png;base64,{1}\">\n<figcaption>{0}{2}</figcaption>\n"
      "</figure>\n",
      escape_html(title), base64(bytes), html_list(sentences));
}

std::string weights_figure_html(const std::filesystem::path& folder, const std::string& sentence) {
  const std::string html = figure(folder / "weights.png", {sentence}, "Weights of one tensor");
  return html.empty() ? html_paragraph("There is no histogram of weights. " + sentence) : html;
}

std::string charts_html(std::span<const RunResult> runs, const std::filesystem::path& folder,
                        const DrawnCharts& charts) {
  if (!charts.drawn)
    return html_paragraph(
        "The charts were left out: the window program quantscope, which draws them, was not there or failed.");
  return figure(folder / "accuracy.png", score_sentences(runs), "F1 and exact match with their error bars") +
         figure(folder / "divergence.png", kl_sentences(runs), "KL divergence from the base") +
         figure(folder / "memory.png", memory_sentences(runs), "Where the bytes go, measured and forecast") +
         weights_figure_html(folder, charts.weights) +
         figure(folder / "levels.png",
                {"Where the levels of the 4-bit types lie follows from their definition; nothing is measured here."},
                "Levels of the 4-bit types");
}

std::string origin(const RunResult& run) {
  const Provenance& from = run.provenance;
  if (!from.imported_from.empty())
    return fmt::format("Answers of another program, read from {} by Quantscope {}.", from.imported_from,
                       from.program_version);
  return fmt::format("Checkpoint {} (fingerprint {}), {} with {} on {} threads, Quantscope {}, started {}.",
                     from.checkpoint, from.fingerprint, from.device, from.dispatch_level, from.threads,
                     from.program_version, from.started);
}

std::string published(const Preset& preset, std::span<const RunResult> runs) {
  std::vector<std::string> notes = differences_from(preset, runs);
  notes.insert(notes.end(), preset.caveats.begin(), preset.caveats.end());
  for (const Preset::Missing& missing : preset.not_available)
    notes.push_back(missing.configuration + ": " + missing.why);
  return html_heading("Published figures beside yours") + html_paragraph("Published: " + preset.source + ".") +
         html_table(published_table(preset, runs)) + html_list(notes);
}

}  // namespace

std::string report_html(const ReportContent& content, const std::filesystem::path& folder, const DrawnCharts& charts) {
  const auto runs = content.runs;
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<title>Quantscope report</title>\n<style>";
  html += style;
  html += "</style>\n</head>\n<body>\n<h1>Quantscope report</h1>\n";
  html += html_paragraph(runs.empty() ? "No run has finished." : origin(runs.front()));
  html += html_heading("Results") + results_table(runs);
  if (const auto sentences = difference_sentences(runs); !sentences.empty())
    html += html_heading("What the differences support") + html_list(sentences);
  html += domains_table(runs);
  if (content.preset != nullptr) html += published(*content.preset, runs);
  html += html_heading("Charts") + charts_html(runs, folder, charts);
  for (const SensitivityMeasurement& measurement : content.sensitivities) html += layer_section(measurement);
  html += html_heading("Protocols") + html_list(protocol_stamps(runs));
  if (const auto sentences = caveats(runs); !sentences.empty()) html += html_heading("Caveats") + html_list(sentences);
  html += html_heading("To repeat it") +
          html_paragraph(
              "quantscope-cli run run.json, with the run.json beside this page, repeats every run on the same "
              "checkpoint and data. All rows are in the CSV files beside it.");
  return html + "</body>\n</html>\n";
}

}  // namespace quantscope
