#include "store/rows.h"

namespace kopt {

using Json = nlohmann::ordered_json;
using sqlite::Database;
using sqlite::Statement;

std::string DumpJson(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json ParseJson(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

Result<bool> Changed(Statement update) {
  KOPT_TRY(const bool row, update.Step());
  KOPT_CHECK(update.Run());
  return row;
}

std::unexpected<Error> Missing(const Database& database, std::string_view what) {
  return std::unexpected(Error{.message = fmt::format("the state holds no {}", what), .file = database.file()});
}

Result<int64_t> RunId(Database& database, std::string_view run) {
  KOPT_TRY(Statement statement, database.Query("SELECT id FROM run WHERE name = ?", run));
  KOPT_TRY(const bool found, statement.Step());
  if (!found) return Missing(database, fmt::format("run `{}`", run));
  return statement.Int(0);
}

}  // namespace kopt
