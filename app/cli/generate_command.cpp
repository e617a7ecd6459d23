// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "app/cli/settings_options.h"
#include "core/model/generate.h"
#include "core/report/figure_text.h"
#include "kernels/clock.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct GenerateOptions {
  std::string model, prompt;
  SettingsOptions settings;
  std::int64_t max_tokens = 64;
};

std::vector<std::int32_t> ids_of(std::span<const GeneratedToken> tokens) {
  std::vector<std::int32_t> ids;
  for (const GeneratedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

struct TimedGeneration {
  Generation generation;
  double prompt_seconds = 0;
  double seconds = 0;
};

Result<TimedGeneration> run_generation(const Session& session, Engine& engine, const Tokenizer& tokenizer,
                                       std::span<const std::int32_t> prompt, std::int64_t max_tokens) {
  std::vector<std::int32_t> end_ids = engine.checkpoint->model().end_ids;
  if (tokenizer.eos_id()) end_ids.push_back(*tokenizer.eos_id());
  std::size_t printed = 0;
  const auto print_new = [&](std::span<const GeneratedToken> tokens) {
    if (session.json) return true;
    const std::string text = tokenizer.decode(ids_of(tokens), true);
    fmt::print("{}", text.substr(std::min(printed, text.size())));
    std::fflush(stdout);
    printed = text.size();
    return true;
  };
  auto sequence = engine.decoder->new_sequence();
  const auto start = Clock::now();
  if (auto done = engine.decoder->append(sequence, prompt); !done) return tl::unexpected(done.error());
  TimedGeneration timed;
  timed.prompt_seconds = seconds_since(start);
  const auto prompt_end = Clock::now();
  auto generation = generate_greedy(*engine.decoder, sequence, max_tokens, end_ids, print_new);
  timed.seconds = seconds_since(prompt_end);
  if (!generation) return tl::unexpected(generation.error());
  timed.generation = std::move(*generation);
  return timed;
}

int generate(const Session& session, const GenerateOptions& options) {
  auto settings = options.settings.settings();
  if (!settings) return report_error(session, settings.error());
  auto prompt = text_argument(options.prompt);
  if (!prompt) return report_error(session, prompt.error());
  auto checkpoint = open_model(options.model);
  if (!checkpoint) return report_error(session, checkpoint.error());
  auto tokenizer = Tokenizer::of(**checkpoint);
  if (!tokenizer) return report_error(session, tokenizer.error());
  const auto encoded = (*tokenizer)->encode(*prompt, {}, session.stop);
  if (!encoded) return report_error(session, encoded.error());
  const std::vector<std::int32_t>& prompt_ids = *encoded;
  if (prompt_ids.empty())
    return report_error(session,
                        {ErrorCode::invalid_argument, "The prompt is empty: give at least one character.", {}, {}});
  const auto context = static_cast<std::int64_t>(prompt_ids.size()) + options.max_tokens;
  auto engine = start_engine(session, options.model, *settings, context);
  if (!engine) return report_error(session, engine.error());
  auto timed = run_generation(session, *engine, **tokenizer, prompt_ids, options.max_tokens);
  if (!timed) return report_error(session, timed.error());
  const auto ids = ids_of(timed->generation.tokens);
  const double prompt_rate = static_cast<double>(prompt_ids.size()) / timed->prompt_seconds;
  const double rate = static_cast<double>(ids.size()) / timed->seconds;
  if (session.json)
    print_json({{"text", (*tokenizer)->decode(ids, true)},
                {"ids", ids},
                {"prompt_ids", prompt_ids},
                {"prompt_tokens_per_second", prompt_rate},
                {"generation_tokens_per_second", rate},
                {"resolved", engine->resolved.summary}});
  else
    fmt::print(stderr, "\n{} prompt tokens at {} tokens/s, {} generated at {} tokens/s. {}\n", prompt_ids.size(),
               rate_text(prompt_rate), ids.size(), rate_text(rate), engine->resolved.summary);
  if (!session.json) fmt::print("\n");
  return ExitCode::done;
}

}  // namespace

void add_generate(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = app.add_subcommand("generate", "Continue a text greedily");
  command->add_option("model", options->model, "Checkpoint, or default")->required();
  options->settings.add_to(*command, true);
  command->add_option("--prompt", options->prompt, "The text; @FILE reads a file, - standard input")->required();
  command->add_option("--max-tokens", options->max_tokens, "At most this many new tokens")
      ->check(CLI::Range(1, 1 << 20));
  command->footer(R"(JSON: {"text": " Paris.", "ids": [7042, 30], "generation_tokens_per_second": 100.0})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return generate(session, *options); }; });
}

}  // namespace quantscope::cli
