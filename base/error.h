// Errors between modules: a message a user can act on, where it happened, and what to do about it.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

namespace kopt {

// What the program ends with when the error reaches main.
enum class Exit {
  kUsage = 2,          // usage, or a bad spec or candidate plan
  kEnvironment = 3,    // something the host lacks: a compiler, Landlock, a device, disk space
  kInternal = 4,       // a failure of kopt itself
  kInterrupted = 130,  // stopped by SIGINT or SIGTERM
};

struct Error {
  Exit exit = Exit::kInternal;
  std::string message;  // what went wrong
  std::string file;     // where: file as the user named it; empty if there is none
  int line = 0;         // 1-based; 0: not known
  int column = 0;       // 1-based; 0: not known
  std::string key;      // the key, name or clause at fault; empty if there is none
  std::string hint;     // what to do; empty if there is nothing to add
  std::string log;      // long evidence (a compiler's output, quoted and cut); empty if there is none

  // "file:line:column: message (key `k`); hint" with the parts that are known.
  std::string Text() const;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> UsageError(std::string message, std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kUsage, .message = std::move(message), .hint = std::move(hint)});
}
inline std::unexpected<Error> EnvironmentError(std::string message, std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kEnvironment, .message = std::move(message), .hint = std::move(hint)});
}
inline std::unexpected<Error> InternalError(std::string message, std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kInternal, .message = std::move(message), .hint = std::move(hint)});
}

// Evaluates `expression` (a Result); returns its error from the enclosing function, or binds its value.
#define KOPT_CONCAT_(a, b) a##b
#define KOPT_CONCAT(a, b) KOPT_CONCAT_(a, b)
#define KOPT_TRY(declaration, expression)                                                                         \
  auto KOPT_CONCAT(result_, __LINE__) = (expression);                                                             \
  if (!KOPT_CONCAT(result_, __LINE__)) return std::unexpected(std::move(KOPT_CONCAT(result_, __LINE__)).error()); \
  declaration = *std::move(KOPT_CONCAT(result_, __LINE__))
#define KOPT_CHECK(expression)                                                                     \
  do {                                                                                             \
    if (auto checked = (expression); !checked) return std::unexpected(std::move(checked).error()); \
  } while (false)

}  // namespace kopt
