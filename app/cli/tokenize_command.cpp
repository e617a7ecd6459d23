// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct TokenizeOptions {
  std::string model, text, file;
  std::vector<std::int32_t> decode;
  bool no_special = false;
};

/// A folder that holds only a tokenizer.json is enough here.
Result<std::shared_ptr<const Tokenizer>> open_tokenizer(const std::string& model) {
  std::error_code ignored;
  const std::filesystem::path path(model);
  const bool only_tokenizer = std::filesystem::exists(path / "tokenizer.json", ignored) &&
                              !std::filesystem::exists(path / "config.json", ignored);
  if (only_tokenizer || path.filename() == "tokenizer.json") return Tokenizer::from_json(path);
  auto checkpoint = open_model(model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  return Tokenizer::of(**checkpoint);
}

/// JSON strings must be UTF-8; a piece may be half a character, so its invalid bytes are replaced.
std::string printable(const std::string& bytes) {
  return json(bytes).dump(-1, ' ', false, json::error_handler_t::replace);
}

int tokenize(const Session& session, const TokenizeOptions& options) {
  auto tokenizer = open_tokenizer(options.model);
  if (!tokenizer) return report_error(session, tokenizer.error());
  if (!options.decode.empty()) {
    const std::string text = (*tokenizer)->decode(options.decode);
    if (session.json)
      print_json({{"ids", options.decode}, {"text", text}});
    else
      fmt::print("{}\n", text);
    return ExitCode::done;
  }
  auto text = options.file.empty() ? text_argument(options.text) : file_argument(options.file);
  if (!text) return report_error(session, text.error());
  const auto ids = (*tokenizer)->encode(*text, {.add_special = !options.no_special, .parse_special = true});
  if (!session.json) {
    for (const std::int32_t id : ids) fmt::print("{}\t{}\n", id, printable((*tokenizer)->piece(id)));
    return ExitCode::done;
  }
  json pieces = json::array();
  for (const std::int32_t id : ids) pieces.push_back(json::parse(printable((*tokenizer)->piece(id))));
  print_json({{"ids", ids}, {"pieces", std::move(pieces)}});
  return ExitCode::done;
}

}  // namespace

void add_tokenize(CLI::App& app, Session& session, Action& chosen) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Text to token ids and back");
  command->add_option("model", options->model, "Checkpoint, a folder with tokenizer.json, or default")->required();
  auto* input = command->add_option_group("input");
  input->add_option("--text", options->text, "The text; @FILE reads a file, - standard input");
  input->add_option("--file", options->file, "Read the text from this file (- = standard input)");
  input->add_option("--decode", options->decode, "Ids to turn into text");
  input->require_option(1);
  command->add_flag("--no-special", options->no_special, "Do not add BOS or EOS");
  command->footer(R"(JSON: {"ids": [504, 3575], "pieces": ["The", " capital"]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return tokenize(session, *options); }; });
}

}  // namespace quantscope::cli
