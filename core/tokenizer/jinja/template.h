// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "kernels/error.h"

namespace quantscope::jinja {

/// A template in the part of the Jinja language that chat templates use, run as transformers runs them (jinja2's
/// ImmutableSandboxedEnvironment with trim_blocks, lstrip_blocks, loopcontrols, its own tojson and raise_exception).
/// Whatever it does not know is refused by name and line. Templates come from strangers: steps, text and nesting are
/// limited (see Budget). Immutable and safe to use from several threads.
class Template {
 public:
  static Result<Template> parse(std::string_view source);

  /// The text for these variables, an object.
  Result<std::string> render(const nlohmann::ordered_json& variables) const;

 private:
  struct Content;
  explicit Template(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::shared_ptr<const Content> content_;
};

}  // namespace quantscope::jinja
