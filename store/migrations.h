// The steps that bring a state file from nothing to today's tables. Private to store/.
#pragma once

#include <span>

#include "store/sqlite.h"

namespace kopt {

// SQL text number i brings a file from version i to i + 1. A released one is never changed: a new one is appended.
std::span<const char* const> Migrations();

// Brings the database to the latest version in one transaction. Errors (exit 3): written by a later kopt, or by another
// program; nothing is changed then.
Result<void> Migrate(sqlite::Database& database);

}  // namespace kopt
