// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluate/dataset.h"
#include "kernels/error.h"

/// What the readers of question files have in common.
namespace quantscope {

/// Where in a file a value stands, for messages: file, story or record ("story 3 ('id')") and field.
struct DatasetPlace {
  std::string_view file;
  std::string_view layout;  ///< whose layout the file should have: "CoQA"
  std::string item;         ///< empty for the root

  tl::unexpected<Error> wrong(std::string_view field, std::string_view problem) const;
};

/// What a value is, as a message says it: "a list".
std::string_view kind_of(const nlohmann::json& value);

/// The member of an object, or null.
const nlohmann::json* member(const nlohmann::json& object, std::string_view key);

/// A member that must be text; `field` is how messages call it.
Result<std::string> required_text(const nlohmann::json& object, std::string_view key, std::string_view field,
                                  const DatasetPlace& place);
/// Empty when it is missing or null.
Result<std::string> optional_text(const nlohmann::json& object, std::string_view key, std::string_view field,
                                  const DatasetPlace& place);
/// A list of texts.
Result<std::vector<std::string>> texts_of(const nlohmann::json& value, std::string_view field,
                                          const DatasetPlace& place);

/// The bytes of a dataset file of at most 64 MiB.
Result<std::string> read_dataset_bytes(const std::filesystem::path& path);

/// The one JSON value of a file, or, for a file of one object a line (JSONL), the list of its objects. A byte order
/// mark and blank lines before it are passed over. Values nested deeper than any layout needs are dropped. Errors name
/// the line or the byte. A stop is answered between two values.
Result<nlohmann::json> parse_dataset_json(std::string_view bytes, std::string_view file, const std::stop_token& stop);

/// Fills in what follows from the stories and the bytes: hash and single_reference.
void finish_dataset(QaDataset& dataset, std::string_view bytes);

/// The first few names of a list: "a, b, c, d, e, ...".
std::string first_names(const std::vector<std::string>& names);
/// The sentence about left-out items that a dataset keeps: how many, why, and the first few names. Empty for none.
std::string left_out(const std::vector<std::string>& names, std::string_view why, std::string_view what = "question");

}  // namespace quantscope
