// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer/jinja/value.h"

namespace quantscope::jinja {

/// Variables: what is set in a loop's round is gone after it.
class Scopes {
 public:
  explicit Scopes(std::map<std::string, Value, std::less<>> outermost) { levels_.push_back(std::move(outermost)); }

  void enter() { levels_.emplace_back(); }
  void leave() { levels_.pop_back(); }
  void set(const std::string& name, Value value) { levels_.back().insert_or_assign(name, std::move(value)); }
  /// Undefined if there is none.
  Value find(std::string_view name) const {
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      if (const auto found = level->find(name); found != level->end()) return found->second;
    }
    return {};
  }

 private:
  std::vector<std::map<std::string, Value, std::less<>>> levels_;
};

}  // namespace quantscope::jinja
