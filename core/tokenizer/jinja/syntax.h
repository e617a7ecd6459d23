// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// The comments say what `parts` and `text` hold.
enum class ExpressionKind : std::uint8_t {
  literal,      ///< value
  name,         ///< text
  list,         ///< its elements
  dict,         ///< keys and values in turn
  attribute,    ///< the object; text is the field
  subscript,    ///< the object, the index
  slice,        ///< the object; start, stop, step, each may be null
  call,         ///< the function, then arguments
  filter,       ///< the input, then arguments; text is the filter
  test,         ///< the input, then arguments; text is the test
  negation,     ///< what `not` stands before
  sign,         ///< text is + or -
  conjunction,  ///< left and right
  disjunction,
  arithmetic,   ///< left and right; text is the operator
  comparison,   ///< all operands; names are the operators
  conditional,  ///< condition, value, other value (may be null)
};

struct Expression {
  ExpressionKind kind = ExpressionKind::literal;
  std::size_t position = 0;  ///< byte in the template
  std::string text = {};
  Value value = {};
  std::vector<ExpressionPtr> parts = {};
  /// Of a call, filter or test: names of the last arguments, which are given by name.
  std::vector<std::string> names = {};
  int depth = 1;  ///< levels of the tree from here
};

struct Statement;
using Body = std::vector<Statement>;

enum class StatementKind : std::uint8_t {
  text,        ///< text
  print,       ///< expression
  branch,      ///< expression, body, otherwise
  loop,        ///< targets, expression, condition (may be null), body, otherwise
  assign,      ///< targets, field (of a namespace, may be empty), expression
  capture,     ///< targets, body: what body writes
  group,       ///< body
  leave_loop,  ///< break
  next_round,  ///< continue
};

struct Statement {
  StatementKind kind = StatementKind::text;
  std::size_t position = 0;
  std::string text = {}, field = {};
  std::vector<std::string> targets = {};
  ExpressionPtr expression = {}, condition = {};
  Body body = {}, otherwise = {};
};

}  // namespace quantscope::jinja
