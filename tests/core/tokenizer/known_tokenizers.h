// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/tokenizer/tokenizer.h"
#include "tests/support/reference_data.h"

namespace quantscope::testing {

/// A tokenizer of the reference data by its folder's name; each is read once per program.
inline const Tokenizer& known_tokenizer(const std::string& name) {
  static std::map<std::string, std::shared_ptr<const Tokenizer>> known;
  std::shared_ptr<const Tokenizer>& tokenizer = known[name];
  if (!tokenizer) {
    const auto loaded = Tokenizer::from_json(shared_folder() / "data/tokenizers" / name);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    tokenizer = *loaded;
  }
  return *tokenizer;
}

}  // namespace quantscope::testing
