// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/jinja/renderer.h"

#include <algorithm>

namespace quantscope::jinja {
namespace {

/// The variable `loop`.
Value loop_state(const List& items, std::size_t index) {
  const auto number = [](std::size_t value) { return Value(static_cast<std::int64_t>(value)); };
  Dict state{{"index", number(index + 1)},
             {"index0", number(index)},
             {"revindex", number(items.size() - index)},
             {"revindex0", number(items.size() - index - 1)},
             {"first", index == 0},
             {"last", index + 1 == items.size()},
             {"length", number(items.size())}};
  if (index > 0) state.emplace_back("previtem", items[index - 1]);
  if (index + 1 < items.size()) state.emplace_back("nextitem", items[index + 1]);
  return state;
}

}  // namespace

std::string Renderer::render(const Body& body) {
  run(body);
  return std::move(output_);
}

void Renderer::write(const std::string& text) {
  budget_.spend_bytes(text.size());
  output_ += text;
}

Renderer::Flow Renderer::run(const Body& body) {
  for (const Statement& statement : body) {
    if (const Flow flow = run(statement); flow != Flow::onward) return flow;
  }
  return Flow::onward;
}

Renderer::Flow Renderer::run(const Statement& statement) {
  try {
    budget_.spend_steps();
    switch (statement.kind) {
      case StatementKind::text: write(statement.text); break;
      case StatementKind::print: write(printed(evaluator_.evaluate(*statement.expression))); break;
      case StatementKind::branch:
        return run(evaluator_.evaluate(*statement.expression).truth() ? statement.body : statement.otherwise);
      case StatementKind::loop: return run_loop(statement);
      case StatementKind::assign: assign(statement, evaluator_.evaluate(*statement.expression)); break;
      case StatementKind::capture: {
        std::string outer = std::move(output_);
        output_.clear();
        scopes_.enter();
        const Flow flow = run(statement.body);
        scopes_.leave();
        std::swap(outer, output_);
        assign(statement, Value(std::move(outer)));
        return flow;
      }
      case StatementKind::group: return run(statement.body);
      case StatementKind::leave_loop: return Flow::leave_loop;
      case StatementKind::next_round: return Flow::next_round;
    }
  } catch (Failure& failure) {
    if (failure.position == Failure::kNowhere) failure.position = statement.position;
    throw;
  }
  return Flow::onward;
}

void Renderer::bind(const Statement& loop, const Value& item) {
  if (loop.targets.size() == 1) return scopes_.set(loop.targets.front(), item);
  const List parts = elements(item, budget_);
  if (parts.size() != loop.targets.size()) throw wrong("as many variables as there are values are needed");
  for (std::size_t i = 0; i < parts.size(); ++i) scopes_.set(loop.targets[i], parts[i]);
}

List Renderer::chosen_items(const Statement& loop) {
  List items = elements(evaluator_.evaluate(*loop.expression), budget_);
  if (!loop.condition) return items;
  List chosen;
  for (const Value& item : items) {
    scopes_.enter();
    bind(loop, item);
    if (evaluator_.evaluate(*loop.condition).truth()) chosen.push_back(item);
    scopes_.leave();
  }
  return chosen;
}

Renderer::Flow Renderer::run_loop(const Statement& loop) {
  const List items = chosen_items(loop);
  if (items.empty()) return run(loop.otherwise);
  for (std::size_t i = 0; i < items.size(); ++i) {
    budget_.spend_steps();
    scopes_.enter();
    bind(loop, items[i]);
    scopes_.set("loop", loop_state(items, i));
    const Flow flow = run(loop.body);
    scopes_.leave();
    if (flow == Flow::leave_loop) break;
  }
  return Flow::onward;
}

void Renderer::assign(const Statement& statement, Value value) {
  if (!statement.field.empty()) return assign_field(statement, std::move(value));
  if (statement.targets.size() == 1) return scopes_.set(statement.targets.front(), std::move(value));
  bind(statement, value);
}

void Renderer::assign_field(const Statement& statement, Value value) {
  const Value target = scopes_.find(statement.targets.front());
  if (target.name_space() == nullptr) throw wrong(fmt::format("{} is no namespace", statement.targets.front()));
  const Value checked{List{value}};  // limits the depth
  Dict& fields = *target.name_space()->fields;
  budget_.spend_steps(fields.size());
  const auto known = std::ranges::find(fields, statement.field, &Dict::value_type::first);
  if (known != fields.end()) {
    known->second = std::move(value);
  } else {
    budget_.spend_bytes(sizeof(Value));
    fields.emplace_back(statement.field, std::move(value));
  }
}

}  // namespace quantscope::jinja
