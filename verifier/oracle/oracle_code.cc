#include "verifier/oracle/oracle_code.h"

#include <algorithm>
#include <vector>

#include "task/cpp_tokens.h"

namespace kopt {
namespace {

std::unexpected<Error> CodeError(const Spec& spec, const Position& position, const CppToken& token, std::string message,
                                 std::string hint = "") {
  Error error{.exit = Exit::kUsage, .message = std::move(message), .file = spec.file, .hint = std::move(hint)};
  if (position.line > 0) error.line = position.line + token.line - 1;
  error.column = token.line == 1 && position.column > 0 ? position.column + token.column - 1 : token.column;
  error.key = token.text;
  return std::unexpected(std::move(error));
}

bool IsAsm(const CppToken& token) { return token.Is("asm") || token.Is("__asm__") || token.Is("__asm"); }

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

// The token after the parenthesis that closes the one at `open`; tokens.size() if there is none.
size_t AfterCall(const std::vector<CppToken>& tokens, size_t open) {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].Is("(")) ++depth;
    if (tokens[i].Is(")") && --depth == 0) return i + 1;
  }
  return tokens.size();
}

bool IsCombination(const CppToken& token) {
  static constexpr std::string_view kOperators[] = {
      "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "++", "--"};
  return std::ranges::any_of(kOperators, [&](std::string_view text) { return token.Is(text); });
}

// What follows each mention of `name`: the token after `name(...)`, or null where no call or nothing follows.
std::vector<const CppToken*> Followers(const std::vector<CppToken>& tokens, std::string_view name) {
  std::vector<const CppToken*> followers;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != CppToken::Kind::kName || tokens[i].text != name) continue;
    const bool call = i + 1 < tokens.size() && tokens[i + 1].Is("(");
    const size_t next = call ? AfterCall(tokens, i + 1) : tokens.size();
    followers.push_back(next < tokens.size() ? &tokens[next] : nullptr);
  }
  return followers;
}

}  // namespace

Result<void> CheckOracleCode(const Spec& spec, const std::string& code, const Position& position) {
  int depth = 0;
  const std::vector<CppToken> tokens = Tokenise(code);
  for (const CppToken& token : tokens) {
    if (token.Is("#") && token.starts_line)
      return CodeError(spec, position, token, "preprocessor directives are not allowed in a spec's code");
    if (IsAsm(token)) return CodeError(spec, position, token, "`" + token.text + "` is not allowed in a spec's code");
    if (token.kind == CppToken::Kind::kName && token.text.starts_with("kopt_"))
      return CodeError(spec, position, token, "names that begin with kopt_ are kopt's own");
    if (token.Is("{")) ++depth;
    if (token.Is("}") && --depth < 0) return CodeError(spec, position, token, "`}` without `{`");
  }
  if (depth > 0) return CodeError(spec, position, tokens.back(), "`{` without `}`");
  return {};
}

std::string WithSpecLines(const Spec& spec, const std::string& code, const Position& position) {
  const size_t indent = static_cast<size_t>(std::clamp(position.column - 1, 0, 200));
  return fmt::format("#line {} {}\n{}{}\n\n#line 1 \"oracle\"\n", std::max(position.line, 1), Quoted(spec.file),
                     std::string(indent, ' '), code);
}

std::string WithoutIncludes(std::string_view text) {
  std::string kept;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const bool dropped = text.starts_with("#include") || text.starts_with("#pragma");
    kept += dropped ? "\n" : text.substr(0, end);
    text.remove_prefix(end);
  }
  return kept;
}

bool OnlyAssigns(std::string_view code, std::string_view name) {
  const std::vector<CppToken> tokens = Tokenise(code);
  return std::ranges::all_of(Followers(tokens, name), [](const CppToken* next) { return next && next->Is("="); });
}

bool Accumulates(std::string_view code, std::string_view name) {
  const std::vector<CppToken> tokens = Tokenise(code);
  return std::ranges::any_of(Followers(tokens, name),
                             [](const CppToken* next) { return next && IsCombination(*next); });
}

}  // namespace kopt
