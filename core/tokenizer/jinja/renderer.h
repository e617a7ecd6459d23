// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "core/tokenizer/jinja/evaluator.h"

namespace quantscope::jinja {

/// Runs statements and gathers what they write. Throws Failure.
class Renderer {
 public:
  explicit Renderer(Scopes scopes) : scopes_(std::move(scopes)), evaluator_(scopes_, budget_) {}
  Renderer(const Renderer&) = delete;
  Renderer& operator=(const Renderer&) = delete;

  std::string render(const Body& body);

 private:
  enum class Flow { onward, leave_loop, next_round };

  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_loop(const Statement& loop);
  /// Sets a loop's variables for one element.
  void bind(const Statement& loop, const Value& item);
  List chosen_items(const Statement& loop);
  void assign(const Statement& statement, Value value);
  void assign_field(const Statement& statement, Value value);
  void write(const std::string& text);

  Budget budget_;
  Scopes scopes_;
  Evaluator evaluator_;
  std::string output_;
};

}  // namespace quantscope::jinja
