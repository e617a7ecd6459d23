// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace quantscope {

/// A value of an SQL parameter.
using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, std::span<const std::byte>>;

/// One row of an answer, read column by column from left to right. A column of another type reads as SQLite converts
/// it; NULL reads as NaN, 0 or an empty text.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer();
  /// How many of something, or its place: 0 to largest_whole. Anything else is noted as wrong and reads as 0.
  std::int64_t count();
  double number();
  std::string text();
  /// Valid until the next row.
  std::span<const std::byte> bytes();
  bool is_null() const;  ///< of the next column
  /// The column whose count is wrong, nullptr if none is.
  const char* wrong_column() const { return wrong_column_; }

 private:
  sqlite3_stmt* statement_;
  int next_ = 0;
  const char* wrong_column_ = nullptr;
};

enum class FileAccess : std::uint8_t { read, write };

/// An SQLite file: the only place that calls SQLite. Failures are sentences that name the file.
class Database {
 public:
  /// With write access a missing file is created. Foreign files are not harmed by opening them.
  static Result<Database> open(const std::filesystem::path& path, FileAccess access);

  /// Several statements without parameters.
  Result<void> script(const char* statements);
  /// One statement; `values` are its parameters ?1, ?2, ...
  Result<void> run(std::string_view statement, std::span<const SqlValue> values = {});
  /// The same for each row of the answer, which ends, as corrupt_file, with a row that has a wrong count.
  Result<void> each(std::string_view statement, std::span<const SqlValue> values,
                    const std::function<void(Row&)>& take_row) const;
  /// The first column of the first row as a number; nothing without a row.
  Result<std::optional<std::int64_t>> integer(std::string_view statement, std::span<const SqlValue> values = {}) const;

  /// Runs `work` as a whole or not at all. Takes the right to write at once, so that it cannot fail half way because
  /// another process writes; waits for that process.
  Result<void> in_transaction(const std::function<Result<void>()>& work);
  std::int64_t last_row_id() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  using Handle = std::unique_ptr<sqlite3, Close>;
  Database(Handle handle, std::filesystem::path path) : handle_(std::move(handle)), path_(std::move(path)) {}
  static Result<Handle> open_handle(const std::filesystem::path& path, FileAccess access);
  tl::unexpected<Error> failure(int code) const;

  Handle handle_;
  std::filesystem::path path_;
};

}  // namespace quantscope
