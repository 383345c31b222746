// What goes to stdout and stderr: tables, documents, errors.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"

namespace kopt {

// Columns padded to the widest cell, two spaces between them, no trailing spaces. `indent` spaces before each row.
std::string Table(const std::vector<std::vector<std::string>>& rows, int indent = 2);

// One document, two spaces of indentation, a newline at the end; invalid UTF-8 is replaced.
void PrintDocument(std::ostream& out, const nlohmann::ordered_json& document);

// {"kopt": 1, "error": {"exit", "message", "file", "line", "key", "hint"}}, and "log" where there is long evidence.
nlohmann::ordered_json ErrorDocument(const Error& error);
// "kopt: spec:3: message", the hint on a line of its own, the log below.
std::string ErrorText(const Error& error);

}  // namespace kopt
