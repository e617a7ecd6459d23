// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/tokenizer/jinja/budget.h"

namespace quantscope::jinja {

class Value;
using List = std::vector<Value>;
/// In the order of insertion, as Python's dict.
using Dict = std::vector<std::pair<std::string, Value>>;

/// A name or field that is not there; printing it gives nothing, most uses fail.
struct Undefined {};
struct None {};
/// A function of the template language by its name.
struct Function {
  std::string_view name;
};
/// What namespace() gives: the only thing that templates can change.
struct Namespace {
  std::shared_ptr<Dict> fields;
};

/// A value of the template language. Text, lists and dictionaries never change, so copies share them. Containers nest
/// at most kDeepest levels, so that walking and freeing them needs little stack.
class Value {
 public:
  static constexpr int kDeepest = 64;

  Value() : content_(Undefined{}) {}
  Value(None none) : content_(none) {}
  Value(bool flag) : content_(flag) {}
  Value(std::int64_t number) : content_(number) {}
  Value(double number) : content_(number) {}
  Value(Function function) : content_(function) {}
  Value(Namespace name_space) : content_(std::move(name_space)) {}
  Value(std::string text) : content_(std::make_shared<const std::string>(std::move(text))) {}
  Value(List items);
  Value(Dict fields);
  /// Throws Failure if it is nested too deeply.
  static Value from_json(const nlohmann::ordered_json& json, int depth = 0);

  bool is_undefined() const { return std::holds_alternative<Undefined>(content_); }
  bool is_none() const { return std::holds_alternative<None>(content_); }
  /// Null if it is of another type.
  const bool* boolean() const { return std::get_if<bool>(&content_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&content_); }
  const double* real() const { return std::get_if<double>(&content_); }
  const std::string* text() const { return shared<const std::string>(); }
  const List* list() const { return shared<const List>(); }
  const Dict* dict() const { return shared<const Dict>(); }
  const Namespace* name_space() const { return std::get_if<Namespace>(&content_); }
  const Function* function() const { return std::get_if<Function>(&content_); }
  bool is_number() const { return boolean() != nullptr || integer() != nullptr || real() != nullptr; }
  /// Of a number or truth value.
  double as_real() const;

  /// Python's truth: nothing, zero and empty are false.
  bool truth() const;
  /// Python's name of the type.
  std::string_view type_name() const;
  /// The field of a dictionary or namespace; undefined if there is none.
  Value field(std::string_view name) const;

 private:
  template <class T>
  T* shared() const {
    const auto* pointer = std::get_if<std::shared_ptr<T>>(&content_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, Namespace, Function>
      content_;
  int depth_ = 0;  ///< levels of containers
};

/// Python's ==.
bool equal(const Value& left, const Value& right, Budget& budget);
/// Python's str(). Lists and dictionaries fail: templates are to use tojson.
std::string printed(const Value& value);
/// The elements that a loop goes through: of a list, the keys of a dictionary, the characters of a text.
List elements(const Value& value, Budget& budget);
/// The characters of UTF-8 text.
std::vector<std::string_view> characters(std::string_view text);

}  // namespace quantscope::jinja
