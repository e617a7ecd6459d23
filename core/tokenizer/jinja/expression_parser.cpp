// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/expression_parser.h"

#include <algorithm>
#include <charconv>

namespace quantscope::jinja {
namespace {

/// Levels of an expression; each takes stack to run and to free.
constexpr int kDeepestExpression = 200;

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(&tokens) {}

  ExpressionPtr parse_conditional() {
    const Nesting nesting(*this);
    ExpressionPtr value = parse_or();
    while (tokens_->at_name("if")) {
      ExpressionPtr whole = start(ExpressionKind::conditional);
      tokens_->take();
      add(*whole, parse_or());
      add(*whole, std::move(value));
      add(*whole, tokens_->skip_name("else") ? parse_conditional() : nullptr);
      value = std::move(whole);
    }
    return value;
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (tokens_->at_name("or"))
      left = join(ExpressionKind::disjunction, std::move(left), &ExpressionParser::parse_and);
    return left;
  }

 private:
  /// Limits recursion while it lives.
  class Nesting {
   public:
    explicit Nesting(ExpressionParser& parser) : parser_(&parser) {
      if (++parser.nesting_ > kDeepestExpression) parser.tokens_->fail("expressions nested too deeply");
    }
    ~Nesting() { --parser_->nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    ExpressionParser* parser_;
  };
  using Rule = ExpressionPtr (ExpressionParser::*)();

  ExpressionPtr start(ExpressionKind kind) const {
    auto expression = std::make_unique<Expression>();
    expression->kind = kind;
    expression->position = tokens_->peek().position;
    return expression;
  }

  void add(Expression& whole, ExpressionPtr part) const {
    if (part) whole.depth = std::max(whole.depth, part->depth + 1);
    if (whole.depth > kDeepestExpression) tokens_->fail("expressions nested too deeply");
    whole.parts.push_back(std::move(part));
  }

  /// The operator that comes next with what stands on both sides of it.
  ExpressionPtr join(ExpressionKind kind, ExpressionPtr left, Rule parse_right) {
    ExpressionPtr whole = start(kind);
    whole->text = tokens_->take().text;
    add(*whole, std::move(left));
    add(*whole, (this->*parse_right)());
    return whole;
  }

  bool at_any(std::initializer_list<std::string_view> symbols) const {
    return std::ranges::any_of(symbols, [this](std::string_view symbol) { return tokens_->at_symbol(symbol); });
  }

  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (tokens_->at_name("and")) {
      left = join(ExpressionKind::conjunction, std::move(left), &ExpressionParser::parse_not);
    }
    return left;
  }

  ExpressionPtr parse_not() {
    if (!tokens_->at_name("not")) return parse_comparison();
    const Nesting nesting(*this);
    ExpressionPtr whole = start(ExpressionKind::negation);
    tokens_->take();
    add(*whole, parse_not());
    return whole;
  }

  /// The comparison operator that comes next; empty if none does.
  std::string take_comparison() {
    if (at_any({"==", "!=", "<", "<=", ">", ">="})) return tokens_->take().text;
    if (tokens_->skip_name("in")) return "in";
    if (!tokens_->at_name("not") || !tokens_->then_name("in")) return {};
    tokens_->take();
    tokens_->take();
    return "not in";
  }

  ExpressionPtr parse_comparison() {
    ExpressionPtr whole = start(ExpressionKind::comparison);
    ExpressionPtr first = parse_sum();
    for (std::string symbol = take_comparison(); !symbol.empty(); symbol = take_comparison()) {
      if (first) add(*whole, std::move(first));
      whole->names.push_back(symbol);
      add(*whole, parse_sum());
    }
    return whole->parts.empty() ? std::move(first) : std::move(whole);
  }

  ExpressionPtr parse_sum() {
    ExpressionPtr left = parse_concatenation();
    while (at_any({"+", "-"})) {
      left = join(ExpressionKind::arithmetic, std::move(left), &ExpressionParser::parse_concatenation);
    }
    return left;
  }

  ExpressionPtr parse_concatenation() {
    ExpressionPtr left = parse_product();
    while (at_any({"~"})) left = join(ExpressionKind::arithmetic, std::move(left), &ExpressionParser::parse_product);
    return left;
  }

  ExpressionPtr parse_product() {
    ExpressionPtr left = parse_unary();
    while (at_any({"*", "/", "//", "%"})) {
      left = join(ExpressionKind::arithmetic, std::move(left), &ExpressionParser::parse_unary);
    }
    if (tokens_->at_symbol("**")) throw Failure{"the operator **", tokens_->peek().position};
    return left;
  }

  ExpressionPtr parse_unary() { return parse_signed(true); }

  ExpressionPtr parse_signed(bool with_filters) {
    const Nesting nesting(*this);
    ExpressionPtr value;
    if (at_any({"+", "-"})) {
      value = start(ExpressionKind::sign);
      value->text = tokens_->take().text;
      add(*value, parse_signed(false));
    } else {
      value = parse_primary();
    }
    value = parse_postfix(std::move(value));
    return with_filters ? parse_filters(std::move(value)) : std::move(value);
  }

  ExpressionPtr parse_primary() {
    const Token& token = tokens_->peek();
    switch (token.kind) {
      case TokenKind::name: return parse_name();
      case TokenKind::string: return parse_strings();
      case TokenKind::integer: return parse_number<std::int64_t>();
      case TokenKind::real: return parse_number<double>();
      default: break;
    }
    if (tokens_->at_symbol("(")) return parse_parenthesis();
    if (tokens_->at_symbol("[")) return parse_list();
    if (tokens_->at_symbol("{")) return parse_dict();
    tokens_->fail("expected a value");
  }

  ExpressionPtr parse_name() {
    ExpressionPtr expression = start(ExpressionKind::name);
    const std::string name = tokens_->take().text;
    const bool is_true = name == "true" || name == "True", is_false = name == "false" || name == "False";
    const bool is_none = name == "none" || name == "None";
    if (is_true || is_false || is_none) {
      expression->kind = ExpressionKind::literal;
      expression->value = is_none ? Value(None{}) : Value(is_true);
    }
    expression->text = name;
    return expression;
  }

  /// Neighbouring string literals are one.
  ExpressionPtr parse_strings() {
    ExpressionPtr expression = start(ExpressionKind::literal);
    std::string content;
    while (tokens_->at(TokenKind::string)) content += tokens_->take().text;
    expression->value = Value(std::move(content));
    return expression;
  }

  template <class T>
  ExpressionPtr parse_number() {
    ExpressionPtr expression = start(ExpressionKind::literal);
    const std::string text = tokens_->peek().text;
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) tokens_->fail("a number beyond 64 bits");
    tokens_->take();
    expression->value = Value(number);
    return expression;
  }

  /// A value in parentheses, or a tuple, which is read as a list.
  ExpressionPtr parse_parenthesis() {
    ExpressionPtr tuple = start(ExpressionKind::list);
    tokens_->take();
    bool is_tuple = tokens_->at_symbol(")");
    while (!tokens_->at_symbol(")")) {
      add(*tuple, parse_conditional());
      if (!tokens_->skip_symbol(",")) break;
      is_tuple = true;
    }
    tokens_->expect_symbol(")");
    return is_tuple ? std::move(tuple) : std::move(tuple->parts.front());
  }

  ExpressionPtr parse_list() {
    ExpressionPtr list = start(ExpressionKind::list);
    tokens_->take();
    while (!tokens_->at_symbol("]")) {
      add(*list, parse_conditional());
      if (!tokens_->skip_symbol(",")) break;
    }
    tokens_->expect_symbol("]");
    return list;
  }

  ExpressionPtr parse_dict() {
    ExpressionPtr dict = start(ExpressionKind::dict);
    tokens_->take();
    while (!tokens_->at_symbol("}")) {
      add(*dict, parse_conditional());
      tokens_->expect_symbol(":");
      add(*dict, parse_conditional());
      if (!tokens_->skip_symbol(",")) break;
    }
    tokens_->expect_symbol("}");
    return dict;
  }

  ExpressionPtr parse_postfix(ExpressionPtr value) {
    while (true) {
      if (tokens_->at_symbol(".")) {
        ExpressionPtr whole = start(ExpressionKind::attribute);
        tokens_->take();
        whole->text = tokens_->expect(TokenKind::name, "a field's name").text;
        add(*whole, std::move(value));
        value = std::move(whole);
      } else if (tokens_->at_symbol("[")) {
        value = parse_subscript(std::move(value));
      } else if (tokens_->at_symbol("(")) {
        value = parse_call(start(ExpressionKind::call), std::move(value));
      } else {
        return value;
      }
    }
  }

  ExpressionPtr parse_subscript(ExpressionPtr value) {
    ExpressionPtr whole = start(ExpressionKind::subscript);
    tokens_->take();
    add(*whole, std::move(value));
    add(*whole, at_any({":"}) ? nullptr : parse_conditional());
    while (whole->parts.size() < 4 && tokens_->skip_symbol(":")) {
      whole->kind = ExpressionKind::slice;
      add(*whole, at_any({":", "]"}) ? nullptr : parse_conditional());
    }
    if (whole->kind == ExpressionKind::slice) whole->parts.resize(4);
    tokens_->expect_symbol("]");
    return whole;
  }

  /// `call` with the value and the arguments in parentheses.
  ExpressionPtr parse_call(ExpressionPtr call, ExpressionPtr value) {
    add(*call, std::move(value));
    tokens_->expect_symbol("(");
    while (!tokens_->at_symbol(")")) {
      if (at_any({"*", "**"})) throw Failure{"arguments with *", tokens_->peek().position};
      ExpressionPtr argument = parse_conditional();
      if (tokens_->at_symbol("=") && argument->kind == ExpressionKind::name) {
        tokens_->take();
        call->names.push_back(argument->text);
        argument = parse_conditional();
      } else if (!call->names.empty()) {
        tokens_->fail("expected an argument by name");
      }
      add(*call, std::move(argument));
      if (!tokens_->skip_symbol(",")) break;
    }
    tokens_->expect_symbol(")");
    return call;
  }

  ExpressionPtr parse_filters(ExpressionPtr value) {
    while (true) {
      if (tokens_->at_symbol("|")) {
        tokens_->take();
        ExpressionPtr filter = start(ExpressionKind::filter);
        filter->text = tokens_->expect(TokenKind::name, "a filter's name").text;
        if (tokens_->at_symbol("(")) {
          value = parse_call(std::move(filter), std::move(value));
        } else {
          add(*filter, std::move(value));
          value = std::move(filter);
        }
      } else if (tokens_->at_name("is")) {
        value = parse_test(std::move(value));
      } else if (tokens_->at_symbol("(")) {
        value = parse_call(start(ExpressionKind::call), std::move(value));
      } else {
        return value;
      }
    }
  }

  bool at_argument() const {
    if (tokens_->at(TokenKind::name)) {
      return !tokens_->at_name("else") && !tokens_->at_name("or") && !tokens_->at_name("and") &&
             !tokens_->at_name("is") && !tokens_->at_name("if") && !tokens_->at_name("not") && !tokens_->at_name("in");
    }
    return tokens_->at(TokenKind::string) || tokens_->at(TokenKind::integer) || tokens_->at(TokenKind::real) ||
           at_any({"[", "{"});
  }

  ExpressionPtr parse_test(ExpressionPtr value) {
    tokens_->take();
    ExpressionPtr outer = start(ExpressionKind::negation);
    const bool negated = tokens_->skip_name("not");
    ExpressionPtr test = start(ExpressionKind::test);
    test->text = tokens_->expect(TokenKind::name, "a test's name").text;
    if (tokens_->at_symbol("(")) {
      test = parse_call(std::move(test), std::move(value));
    } else {
      add(*test, std::move(value));
      if (at_argument()) add(*test, parse_postfix(parse_primary()));
    }
    if (!negated) return test;
    add(*outer, std::move(test));
    return outer;
  }

  TokenStream* tokens_;
  int nesting_ = 0;
};

}  // namespace

ExpressionPtr parse_expression(TokenStream& tokens) { return ExpressionParser(tokens).parse_conditional(); }

ExpressionPtr parse_unconditional_expression(TokenStream& tokens) { return ExpressionParser(tokens).parse_or(); }

}  // namespace quantscope::jinja
