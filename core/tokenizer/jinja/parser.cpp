// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/parser.h"

#include <algorithm>

#include "core/tokenizer/jinja/expression_parser.h"

namespace quantscope::jinja {
namespace {

/// Levels of blocks; each takes stack to run and to free.
constexpr int kDeepestBlock = 100;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Body parse_template() {
    Body body = parse_body({});
    if (!tokens_.at(TokenKind::end)) tokens_.fail(fmt::format("\"{}\" without its beginning", ending_));
    return body;
  }

 private:
  /// Statements up to a tag with one of the names, which is read up to its name (kept as ending_).
  Body parse_body(std::initializer_list<std::string_view> endings) {
    if (++nesting_ > kDeepestBlock) tokens_.fail("blocks nested too deeply");
    Body body;
    ending_.clear();
    while (!tokens_.at(TokenKind::end)) {
      if (tokens_.at(TokenKind::text)) {
        body.push_back({.kind = StatementKind::text, .text = tokens_.take().text});
      } else if (tokens_.at(TokenKind::print_begin)) {
        body.push_back(parse_print());
      } else if (parse_tag(endings, body)) {
        --nesting_;
        return body;
      }
    }
    if (endings.size() > 0) tokens_.fail(fmt::format("a block without \"{}\"", *(endings.end() - 1)));
    --nesting_;
    return body;
  }

  void end_tag() { tokens_.expect(TokenKind::block_end, "the end of the tag"); }

  Statement parse_print() {
    Statement statement{.kind = StatementKind::print, .position = tokens_.take().position};
    statement.expression = parse_expression(tokens_);
    tokens_.expect(TokenKind::print_end, "\"}}\"");
    return statement;
  }

  /// True if the tag ends the body.
  bool parse_tag(std::initializer_list<std::string_view> endings, Body& body) {
    const std::size_t position = tokens_.take().position;
    const std::string name = tokens_.expect(TokenKind::name, "a statement").text;
    if (std::ranges::find(endings, name) != endings.end()) {
      ending_ = name;
      return true;
    }
    if (name == "if") {
      body.push_back(parse_branch(position));
    } else if (name == "for") {
      body.push_back(parse_loop(position));
    } else if (name == "set") {
      body.push_back(parse_set(position));
    } else if (name == "generation") {
      body.push_back(parse_generation(position));
    } else if (name == "break" || name == "continue") {
      body.push_back(parse_jump(name, position));
    } else {
      throw Failure{fmt::format("the statement \"{}\"", name), position,
                    !name.starts_with("end") && !name.starts_with("el")};
    }
    return false;
  }

  Statement parse_branch(std::size_t position) {
    Statement branch{.kind = StatementKind::branch, .position = position};
    branch.expression = parse_expression(tokens_);
    end_tag();
    branch.body = parse_body({"elif", "else", "endif"});
    if (ending_ == "elif") {
      if (++nesting_ > kDeepestBlock) tokens_.fail("blocks nested too deeply");
      branch.otherwise.push_back(parse_branch(position));
      --nesting_;
      return branch;
    }
    end_tag();
    if (ending_ == "else") {
      branch.otherwise = parse_body({"endif"});
      end_tag();
    }
    return branch;
  }

  std::vector<std::string> parse_targets() {
    std::vector<std::string> targets;
    const bool enclosed = tokens_.skip_symbol("(");
    do {
      targets.push_back(tokens_.expect(TokenKind::name, "a variable").text);
    } while (tokens_.skip_symbol(",") && tokens_.at(TokenKind::name));
    if (enclosed) tokens_.expect_symbol(")");
    return targets;
  }

  Statement parse_loop(std::size_t position) {
    Statement loop{.kind = StatementKind::loop, .position = position};
    loop.targets = parse_targets();
    if (!tokens_.skip_name("in")) tokens_.fail("expected \"in\"");
    loop.expression = parse_unconditional_expression(tokens_);
    if (tokens_.skip_name("if")) loop.condition = parse_expression(tokens_);
    if (tokens_.at_name("recursive")) throw Failure{"a recursive loop", position};
    end_tag();
    ++loops_;
    loop.body = parse_body({"else", "endfor"});
    --loops_;
    end_tag();
    if (ending_ == "else") {
      loop.otherwise = parse_body({"endfor"});
      end_tag();
    }
    return loop;
  }

  Statement parse_set(std::size_t position) {
    Statement set{.kind = StatementKind::assign, .position = position};
    set.targets = parse_targets();
    if (tokens_.skip_symbol(".")) set.field = tokens_.expect(TokenKind::name, "a field").text;
    if (tokens_.at_symbol("|")) throw Failure{"a filter on a block that is set", position};
    if (tokens_.skip_symbol("=")) {
      set.expression = parse_expression(tokens_);
      if (tokens_.at_symbol(",")) throw Failure{"a tuple without parentheses", tokens_.peek().position};
      end_tag();
      return set;
    }
    end_tag();
    set.kind = StatementKind::capture;
    set.body = parse_body({"endset"});
    end_tag();
    return set;
  }

  /// transformers' mark for what the model wrote; it changes nothing in the text.
  Statement parse_generation(std::size_t position) {
    Statement group{.kind = StatementKind::group, .position = position};
    end_tag();
    group.body = parse_body({"endgeneration"});
    end_tag();
    return group;
  }

  Statement parse_jump(const std::string& name, std::size_t position) {
    if (loops_ == 0) throw Failure{fmt::format("\"{}\" outside of a loop", name), position, false};
    end_tag();
    return {.kind = name == "break" ? StatementKind::leave_loop : StatementKind::next_round, .position = position};
  }

  TokenStream tokens_;
  std::string ending_;
  int nesting_ = 0, loops_ = 0;
};

}  // namespace

Body parse(std::string_view source) { return Parser(lex(source)).parse_template(); }

}  // namespace quantscope::jinja
