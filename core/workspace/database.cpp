// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/workspace/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>

#include "core/experiment/count_limits.h"

namespace quantscope {
namespace {

constexpr int busy_milliseconds = 30'000;        // another process holds the file for milliseconds at a time
constexpr int largest_value = 64 * 1024 * 1024;  // bytes of one text: a bad file cannot make us allocate more

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

struct Advice {
  ErrorCode code;
  const char* what;  ///< after the file's name
};

Advice advice_for(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {ErrorCode::io, "cannot grow: the disk is full. What was stored before is kept; free space and resume"};
    case SQLITE_READONLY:
      return {ErrorCode::io, "is read-only. What it holds is kept; make it writable or choose another workspace"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::io, "has been locked by another process for too long; end that process and resume"};
    case SQLITE_NOTADB: return {ErrorCode::corrupt_file, "is not a workspace (no SQLite file); choose another file"};
    case SQLITE_CORRUPT:
      return {ErrorCode::corrupt_file, "is damaged; restore a copy, or recover what is left with sqlite3's .recover"};
    case SQLITE_CANTOPEN: return {ErrorCode::io, "cannot be opened; check that the folder exists and may be used"};
    case SQLITE_IOERR:
      return {ErrorCode::io, "cannot be read or written. What was stored before is kept; check the disk and resume"};
    case SQLITE_NOMEM: return {ErrorCode::out_of_memory, "needs more memory than there is"};
    default: return {ErrorCode::corrupt_file, "does not hold what a workspace holds; choose another file"};
  }
}

void bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    sqlite3_bind_int64(statement, index, *integer);
  else if (const auto* number = std::get_if<double>(&value))
    sqlite3_bind_double(statement, index, *number);
  else if (const auto* text = std::get_if<std::string_view>(&value))
    // A null pointer would bind NULL.
    sqlite3_bind_text64(statement, index, text->empty() ? "" : text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  else if (const auto* bytes = std::get_if<std::span<const std::byte>>(&value))
    sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_STATIC);
  else
    sqlite3_bind_null(statement, index);
}

/// SQLite's URI syntax; `immutable` reads a file in a folder where nothing can be written.
std::string uri_of(const std::filesystem::path& path, bool immutable) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      uri += c;
  }
  return immutable ? uri + "?immutable=1" : uri;
}

void harden(sqlite3* handle) {
  sqlite3_busy_timeout(handle, busy_milliseconds);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, largest_value);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_extended_result_codes(handle, 1);
}

}  // namespace

std::int64_t Row::integer() { return sqlite3_column_int64(statement_, next_++); }

std::int64_t Row::count() {
  const std::int64_t value = sqlite3_column_int64(statement_, next_);
  const bool wrong = value < 0 || value > largest_whole;
  if (wrong) wrong_column_ = sqlite3_column_name(statement_, next_);
  ++next_;
  return wrong ? 0 : value;
}

double Row::number() {
  const double value = is_null() ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_, next_);
  ++next_;
  return value;
}

std::string Row::text() {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, next_));
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, next_));
  ++next_;
  return bytes == nullptr ? std::string() : std::string(bytes, length);
}

std::span<const std::byte> Row::bytes() {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, next_));
  const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_, next_));
  ++next_;
  return bytes == nullptr ? std::span<const std::byte>() : std::span(bytes, length);
}

bool Row::is_null() const { return sqlite3_column_type(statement_, next_) == SQLITE_NULL; }

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<Database::Handle> Database::open_handle(const std::filesystem::path& path, FileAccess access) {
  const int flags = access == FileAccess::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* raw = nullptr;
  int code = sqlite3_open_v2(uri_of(path, false).c_str(), &raw, flags | SQLITE_OPEN_URI, nullptr);
  Handle handle(raw);
  if (code == SQLITE_OK && access == FileAccess::read) {
    harden(handle.get());
    // A file in WAL mode wants files beside it; where they cannot be made nobody else is writing.
    const int read = sqlite3_exec(handle.get(), "SELECT 1 FROM sqlite_schema", nullptr, nullptr, nullptr) & 0xFF;
    if (read == SQLITE_CANTOPEN || read == SQLITE_READONLY) {
      raw = nullptr;
      code = sqlite3_open_v2(uri_of(path, true).c_str(), &raw, flags | SQLITE_OPEN_URI, nullptr);
      handle.reset(raw);
    }
  }
  if (code == SQLITE_OK) {
    harden(handle.get());
    return handle;
  }
  const Advice advice = advice_for(code);
  return fail(advice.code, fmt::format("The workspace {} {}.", path.string(), advice.what), path.string(),
              sqlite3_errstr(code));
}

Result<Database> Database::open(const std::filesystem::path& path, FileAccess access) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} is a folder; a workspace is one file, such as study.quantscope.", path.string()),
                path.string());
  if (access == FileAccess::read && !std::filesystem::exists(path, ignored))
    return fail(ErrorCode::not_found, fmt::format("There is no workspace {}.", path.string()), path.string());
  auto handle = open_handle(path, access);
  if (!handle) return tl::unexpected(handle.error());
  return Database(std::move(*handle), path);
}

tl::unexpected<Error> Database::failure(int code) const {
  const Advice advice = advice_for(code);
  return fail(advice.code, fmt::format("The workspace {} {}.", path_.string(), advice.what), path_.string(),
              sqlite3_errmsg(handle_.get()));
}

Result<void> Database::script(const char* statements) {
  const int code = sqlite3_exec(handle_.get(), statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

// It changes the file: with a const Database one may only read.
// NOLINTNEXTLINE(readability-make-member-function-const)
Result<void> Database::run(std::string_view statement, std::span<const SqlValue> values) {
  return each(statement, values, [](Row&) {});
}

Result<void> Database::each(std::string_view statement, std::span<const SqlValue> values,
                            const std::function<void(Row&)>& take_row) const {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle_.get(), statement.data(), static_cast<int>(statement.size()), &raw, nullptr);
  if (code != SQLITE_OK) return failure(code);
  const Statement prepared(raw);
  for (std::size_t i = 0; i < values.size(); ++i) bind(raw, static_cast<int>(i) + 1, values[i]);
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    Row row(raw);
    take_row(row);
    if (row.wrong_column() != nullptr)
      return fail(ErrorCode::corrupt_file,
                  fmt::format("The workspace {} is damaged: a number in the column {} counts nothing; restore a copy.",
                              path_.string(), row.wrong_column()),
                  path_.string());
  }
  if (code != SQLITE_DONE) return failure(code);
  return {};
}

Result<std::optional<std::int64_t>> Database::integer(std::string_view statement,
                                                      std::span<const SqlValue> values) const {
  std::optional<std::int64_t> first;
  const auto read = each(statement, values, [&](Row& row) {
    if (!first) first = row.integer();
  });
  if (!read) return tl::unexpected(read.error());
  return first;
}

Result<void> Database::in_transaction(const std::function<Result<void>()>& work) {
  if (auto begun = script("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = script("COMMIT");
  // A failed statement may have ended the transaction already.
  if (!done && sqlite3_get_autocommit(handle_.get()) == 0) static_cast<void>(script("ROLLBACK"));
  return done;
}

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

}  // namespace quantscope
