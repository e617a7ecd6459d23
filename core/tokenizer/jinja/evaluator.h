// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tokenizer/jinja/arguments.h"
#include "core/tokenizer/jinja/scopes.h"
#include "core/tokenizer/jinja/syntax.h"

namespace quantscope::jinja {

/// Computes expressions. Throws Failure with the position of the innermost expression that fails.
class Evaluator {
 public:
  Evaluator(const Scopes& scopes, Budget& budget) : scopes_(&scopes), budget_(&budget) {}

  Value evaluate(const Expression& expression);

 private:
  Value compute(const Expression& expression);
  Value find_name(const std::string& name) const;
  Value make_list(const Expression& expression);
  Value make_dict(const Expression& expression);
  Value find_attribute(const Expression& expression);
  Value find_element(const Expression& expression);
  Value cut(const Expression& expression);
  Value call(const Expression& expression);
  Value call_function(std::string_view name, const Arguments& arguments);
  bool compare_all(const Expression& expression);
  Arguments arguments_of(const Expression& expression);

  const Scopes* scopes_;
  Budget* budget_;
};

}  // namespace quantscope::jinja
