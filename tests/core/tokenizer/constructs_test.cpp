// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokenizer/tokenizer_json.h"
#include "tests/support/reference_data.h"

namespace quantscope {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

/// Small tokenizer.json files, one for each construct, with what Hugging Face tokenizers makes of them (see
/// tests/data/tokenizers/make_constructs.py).
const json& constructs() {
  static const json read =
      json::parse(std::ifstream(testing::source_folder() / "tests/data/tokenizers/constructs.json")).at("constructs");
  return read;
}

class TokenizerConstruct : public ::testing::TestWithParam<std::size_t> {};

TEST_P(TokenizerConstruct, EncodesAndDecodesAsTheLibrary) {
  const json& construct = constructs().at(GetParam());
  SCOPED_TRACE(construct.at("name"));
  const auto tokenizer = build_json_tokenizer(construct.at("tokenizer"), {});
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  for (const json& example : construct.at("cases")) {
    const std::string text = example.at("text"), decoded = example.at("decoded");
    const Ids plain = example.at("ids"), full = example.value("ids_with_special", plain);
    EXPECT_EQ((*tokenizer)->encode(text, {.add_special = false}), plain) << '"' << text << '"';
    EXPECT_EQ((*tokenizer)->encode(text), full) << '"' << text << '"';
    EXPECT_EQ((*tokenizer)->decode(full), decoded);
    EXPECT_EQ((*tokenizer)->decode(full, true), example.value("decoded_skip_special", decoded));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, TokenizerConstruct, ::testing::Range<std::size_t>(0, constructs().size()),
                         [](const auto& parameter) {
                           std::string name = constructs().at(parameter.param).at("name");
                           for (char& letter : name) {
                             if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
                           }
                           return std::to_string(parameter.param) + "_" + name;
                         });

}  // namespace
}  // namespace quantscope
