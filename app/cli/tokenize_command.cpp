// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/cli/command.h"
#include "app/cli/console.h"
#include "app/cli/engine.h"
#include "core/input/bounded_json.h"
#include "core/tokenizer/chat_template.h"

namespace quantscope::cli {
namespace {
using nlohmann::json;

struct TokenizeOptions {
  std::string model, text, file, chat;
  std::vector<std::int32_t> decode;
  bool no_special = false;
  bool generation_prompt = false;
};

/// A folder that holds only a tokenizer.json is enough here: the folder, or nothing if `model` is a checkpoint.
std::optional<std::filesystem::path> tokenizer_folder(const std::string& model) {
  std::error_code ignored;
  const std::filesystem::path path(model);
  if (path.filename() == "tokenizer.json") return path.parent_path();
  const bool only_tokenizer = std::filesystem::exists(path / "tokenizer.json", ignored) &&
                              !std::filesystem::exists(path / "config.json", ignored);
  return only_tokenizer ? std::optional(path) : std::nullopt;
}

Result<std::shared_ptr<const Tokenizer>> open_tokenizer(const std::string& model) {
  if (const auto folder = tokenizer_folder(model)) return Tokenizer::from_json(*folder);
  auto checkpoint = open_model(model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  return Tokenizer::of(**checkpoint);
}

Result<ChatTemplate> open_chat_template(const std::string& model) {
  if (const auto folder = tokenizer_folder(model)) return ChatTemplate::from_folder(*folder);
  auto checkpoint = open_model(model);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  return ChatTemplate::of(**checkpoint);
}

/// The conversation in a file as the model's template writes it.
Result<std::string> chat_text(const TokenizeOptions& options) {
  auto file = file_argument(options.chat);
  if (!file) return file;
  if (auto counted = count_json_values(*file, options.chat); !counted) return tl::unexpected(counted.error());
  const auto conversation = nlohmann::ordered_json::parse(*file, nullptr, false);
  if (conversation.is_discarded()) {
    return fail(ErrorCode::corrupt_file, fmt::format("{} is not JSON.", options.chat), options.chat);
  }
  const auto chat = open_chat_template(options.model);
  if (!chat) return tl::unexpected(chat.error());
  return chat->render(conversation, options.generation_prompt);
}

Result<std::string> input_text(const TokenizeOptions& options) {
  if (!options.chat.empty()) return chat_text(options);
  return options.file.empty() ? text_argument(options.text) : file_argument(options.file);
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
  auto text = input_text(options);
  if (!text) return report_error(session, text.error());
  // A chat template writes BOS itself where the model wants it.
  const bool add_special = !options.no_special && options.chat.empty();
  const auto encoded = (*tokenizer)->encode(*text, {.add_special = add_special, .parse_special = true}, session.stop);
  if (!encoded) return report_error(session, encoded.error());
  const std::vector<std::int32_t>& ids = *encoded;
  if (!session.json) {
    for (const std::int32_t id : ids) fmt::print("{}\t{}\n", id, printable((*tokenizer)->piece(id)));
    return ExitCode::done;
  }
  json pieces = json::array();
  for (const std::int32_t id : ids) pieces.push_back(json::parse(printable((*tokenizer)->piece(id))));
  json document = {{"ids", ids}, {"pieces", std::move(pieces)}};
  if (!options.chat.empty()) document["text"] = *text;
  print_json(document);
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
  input->add_option(
      "--chat", options->chat,
      "A conversation in JSON, a list like [{\"role\": \"user\", \"content\": \"Hello\"}], written by the "
      "model's chat template (- = standard input)");
  input->require_option(1);
  command->add_flag("--add-generation-prompt", options->generation_prompt,
                    "With --chat: end with the beginning of an answer");
  command->add_flag("--no-special", options->no_special, "Do not add BOS or EOS");
  command->footer(R"(JSON: {"ids": [504, 3575], "pieces": ["The", " capital"]})");
  command->callback(
      [&session, &chosen, options] { chosen = [&session, options] { return tokenize(session, *options); }; });
}

}  // namespace quantscope::cli
