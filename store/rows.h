// What the files of store/ share: the connection, and how JSON lies in columns. Private to store/.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "store/sqlite.h"
#include "store/store.h"

namespace kopt {

struct Store::Impl {
  explicit Impl(std::unique_ptr<sqlite::Database> opened) : database(std::move(opened)) {}
  std::mutex mutex;
  std::unique_ptr<sqlite::Database> database;
};

// Bytes that are no UTF-8 are replaced: a reply or a log must never cost the row it stands in.
std::string DumpJson(const nlohmann::ordered_json& json);
// null if it is none.
nlohmann::ordered_json ParseJson(const std::string& text);
// Runs an update of at most one row that returns it. Was there one?
Result<bool> Changed(sqlite::Statement update);
// A row that must be there is not.
std::unexpected<Error> Missing(const sqlite::Database& database, std::string_view what);
Result<int64_t> RunId(sqlite::Database& database, std::string_view run);
Result<void> InsertTurn(sqlite::Database& database, std::string_view run, const TurnRow& turn);
Result<void> InsertTask(sqlite::Database& database, const TaskRow& task);
// The same source gives the same row.
Result<RowId> InsertCandidate(sqlite::Database& database, std::string_view source, std::string_view normalised);

}  // namespace kopt
