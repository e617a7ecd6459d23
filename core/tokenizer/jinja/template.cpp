// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/input/utf8.h"
#include "core/tokenizer/jinja/parser.h"
#include "core/tokenizer/jinja/renderer.h"

namespace quantscope::jinja {
namespace {

/// Line breaks as \n, without one at the very end, as Jinja reads templates; valid UTF-8.
std::string normal_source(std::string_view source) {
  std::string text;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && source.substr(i + 1, 1) == "\n") continue;
    text += source[i] == '\r' ? '\n' : source[i];
  }
  if (text.ends_with('\n')) text.pop_back();
  return replace_invalid_utf8(text);
}

tl::unexpected<Error> to_error(const Failure& failure, std::string_view source) {
  const std::string_view before = source.substr(0, std::min(failure.position, source.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  const std::string place =
      failure.position == Failure::kNowhere ? "" : fmt::format(" in line {}, column {}", line, column);
  if (failure.is_unsupported) {
    return fail(ErrorCode::unsupported,
                fmt::format("The chat template{} uses what is not supported: {}.", place, failure.message),
                "chat_template");
  }
  return fail(ErrorCode::invalid_argument, fmt::format("The chat template fails{}: {}.", place, failure.message),
              "chat_template");
}

}  // namespace

struct Template::Content {
  std::string source;
  Body body;
};

Result<Template> Template::parse(std::string_view source) {
  auto content = std::make_shared<Content>();
  content->source = normal_source(source);
  try {
    content->body = jinja::parse(content->source);
  } catch (const Failure& failure) {
    return to_error(failure, content->source);
  }
  return Template(std::move(content));
}

Result<std::string> Template::render(const nlohmann::ordered_json& variables) const {
  try {
    std::map<std::string, Value, std::less<>> outermost;
    for (const auto& [name, value] : variables.items()) outermost.emplace(name, Value::from_json(value));
    Renderer renderer{Scopes(std::move(outermost))};
    return renderer.render(content_->body);
  } catch (const Failure& failure) {
    return to_error(failure, content_->source);
  }
}

}  // namespace quantscope::jinja
