// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer_identity.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "core/tokenizer/gguf_vocabulary.h"
#include "tests/core/tokenizer/known_tokenizers.h"
#include "tests/support/temporary_folder.h"

namespace quantscope {
namespace {

namespace fs = std::filesystem;

template <class T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

TEST(TokenizerIdentity, DiffersBetweenTokenizers) {
  QUANTSCOPE_REQUIRE_SHARED();
  std::set<std::string> identities;
  std::size_t tokenizers = 0;
  for (const auto& entry : fs::directory_iterator(testing::shared_folder() / "data/tokenizers")) {
    if (!fs::exists(entry.path() / "tokenizer.json")) continue;
    identities.insert(tokenizer_identity(testing::known_tokenizer(entry.path().filename().string())));
    ++tokenizers;
  }
  for (const char* model : {"stories260K", "llama3_rope_gqa_tied"}) {
    const auto folder = testing::shared_folder() / "reference/models" / model;
    identities.insert(tokenizer_identity(*value_of(Tokenizer::from_json(folder))));
    ++tokenizers;
  }
  EXPECT_GE(tokenizers, 4U);
  EXPECT_EQ(identities.size(), tokenizers);
}

/// The checkpoint's own tokenizer and what becomes of it in a GGUF file.
TEST(TokenizerIdentity, IsTheSameAsTokenizerJsonAndInGguf) {
  QUANTSCOPE_REQUIRE_SHARED();
  const testing::TemporaryFolder folder;
  std::ofstream(folder.path() / "config.json") << R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
    "vocab_size": 32000, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
    "num_key_value_heads": 1, "eos_token_id": 2})";
  const auto source = testing::shared_folder() / "data/tokenizers/mistral_7b_v01";
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    if (fs::exists(source / name)) fs::copy_file(source / name, folder.path() / name);
  const auto checkpoint = value_of(Checkpoint::open(folder.path() / "config.json"));
  const auto own = value_of(Tokenizer::of(*checkpoint));
  const auto in_gguf = value_of(Tokenizer::from_gguf(value_of(gguf_vocabulary(*checkpoint))));
  EXPECT_EQ(tokenizer_identity(*in_gguf), tokenizer_identity(*own));
}

}  // namespace
}  // namespace quantscope
