// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

#include "core/workspace/database.h"

namespace quantscope {

/// Of SQLite files that are workspaces ("Qscp"); in the file's header, so that `file` and others can tell.
inline constexpr std::int64_t workspace_application_id = 0x51736370;

/// The steps that made the tables what they are, oldest first: step i takes a file of schema version i to i + 1. A
/// published step is never changed; a new one is added.
std::span<const char* const> schema_steps();

/// Makes sure that the file is a workspace of the newest schema: creates the tables in a new file, brings an older one
/// up to date, and refuses, with a sentence, one that is foreign, damaged or newer than `steps`. With read access an
/// older file is refused too, as it cannot be changed.
Result<void> prepare_schema(Database& database, FileAccess access, std::span<const char* const> steps = schema_steps());

}  // namespace quantscope
