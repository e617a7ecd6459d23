// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/experiment/sensitivity_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/experiment/json_whole.h"
#include "core/input/bounded_file.h"
#include "core/input/bounded_json.h"

namespace quantscope {
namespace {

using nlohmann::json;
constexpr int schema = 1;
/// In bytes; a row, one for each tensor or layer, has some hundred.
constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20U;

void put(json& value, const std::string& name, const MeanEstimate& estimate) {
  value[name] = estimate.mean;
  value[name + "_error"] = estimate.error;
}

json figures_to_json(const SensitivityFigures& figures) {
  json value = {{"scored", figures.scored},
                {"perplexity", figures.perplexity},
                {"base_perplexity", figures.base_perplexity},
                {"seconds", figures.seconds}};
  put(value, "kl_mean", figures.divergence);
  put(value, "same_top", figures.same_top);
  put(value, "ln_perplexity_ratio", figures.log_ratio);
  return value;
}

SensitivityFigures figures_from_json(const json& value) {
  SensitivityFigures figures;
  figures.scored = whole(value.at("scored"));
  figures.perplexity = value.at("perplexity");
  figures.base_perplexity = value.at("base_perplexity");
  figures.seconds = value.at("seconds");
  const auto get = [&](const std::string& name) {
    return MeanEstimate{value.at(name), value.at(name + "_error"), figures.scored};
  };
  figures.divergence = get("kl_mean");
  figures.same_top = get("same_top");
  figures.log_ratio = get("ln_perplexity_ratio");
  return figures;
}

Error corrupt(const std::filesystem::path& path, std::int64_t line) {
  return {ErrorCode::corrupt_file,
          fmt::format("Line {} of {} is no row of a sensitivity measurement; remove it or choose another file.", line,
                      path.string()),
          {},
          path.string()};
}

/// The whole lines of a file; what follows the last line break was cut off.
std::vector<std::string> whole_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

Result<void> check_header(const std::filesystem::path& path, const std::string& line, const std::string& key) {
  const auto value = parse_bounded_json(line, path.string());
  if (!value || !value->is_object() || !value->contains("sensitivity")) return tl::unexpected(corrupt(path, 1));
  const json& header = *value;
  if (header.contains("schema") && header["schema"] == schema && header["sensitivity"] == key) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} holds rows of another measurement ({}); choose another file.", path.string(),
                          header["sensitivity"].is_string() ? header["sensitivity"].get<std::string>() : "unknown"),
              path.string());
}

Result<std::int64_t> take_rows(const std::filesystem::path& path, const std::vector<std::string>& lines,
                               std::vector<SensitivityRow>& rows) {
  std::int64_t taken = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto parsed = parse_bounded_json(lines[i], path.string());
    if (!parsed || !parsed->is_object()) return tl::unexpected(corrupt(path, static_cast<std::int64_t>(i) + 1));
    const json& value = *parsed;
    try {
      const auto row = std::ranges::find(rows, value.at("name").get<std::string>(), &SensitivityRow::name);
      if (row == rows.end()) continue;
      row->figures = figures_from_json(value);
      ++taken;
    } catch (const json::exception&) {
      return tl::unexpected(corrupt(path, static_cast<std::int64_t>(i) + 1));
    }
  }
  return taken;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code absent;
  if (!std::filesystem::exists(path, absent)) return std::string();
  return read_bounded_file(path, largest_file, "file of sensitivity rows");
}

}  // namespace

Result<SensitivityFile> SensitivityFile::open(const std::filesystem::path& path, const std::string& key,
                                              std::vector<SensitivityRow>& rows) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const std::vector<std::string> lines = whole_lines(*text);
  SensitivityFile result;
  result.path_ = path;
  if (!lines.empty()) {
    if (auto header = check_header(path, lines.front(), key); !header) return tl::unexpected(header.error());
    auto found = take_rows(path, lines, rows);
    if (!found) return tl::unexpected(found.error());
    result.found_ = *found;
  }
  std::error_code error;
  if (!text->empty()) std::filesystem::resize_file(path, text->rfind('\n') + 1, error);  // npos + 1 = 0
  result.file_.open(path, std::ios::binary | std::ios::app);
  if (lines.empty()) result.file_ << json{{"schema", schema}, {"sensitivity", key}}.dump() << '\n' << std::flush;
  if (error || !result.file_) return fail(ErrorCode::io, fmt::format("Cannot write {}.", path.string()), path.string());
  return result;
}

Result<void> SensitivityFile::write(const SensitivityRow& row) {
  json value = figures_to_json(*row.figures);
  value["name"] = row.name;
  file_ << value.dump() << '\n' << std::flush;
  if (file_) return {};
  return fail(ErrorCode::io, fmt::format("Cannot write {}: is the disk full?", path_.string()), path_.string());
}

std::string to_json(std::span<const SensitivityRow> rows) {
  json list = json::array();
  for (const SensitivityRow& row : rows) {
    json value = {{"name", row.name},
                  {"layer", row.layer},
                  {"format", row.format},
                  {"tensors", row.tensors},
                  {"values", row.values},
                  {"relative_error", row.error.relative_error},
                  {"sqnr_db", row.error.sqnr_db},  // null when exact
                  {"cosine", row.error.cosine},
                  {"max_absolute", row.error.max_absolute},
                  {"mean_absolute", row.error.mean_absolute}};
    if (row.figures) value.update(figures_to_json(*row.figures));
    list.push_back(std::move(value));
  }
  return list.dump();
}

}  // namespace quantscope
