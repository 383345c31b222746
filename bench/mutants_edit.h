// One change at a time to a candidate's text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/mutants_operators.h"
#include "task/cpp_tokens.h"

namespace kopt {

// Tokens are numbered; ranges exclude their end. What stands in directives, attributes and prefetches is not changed.
class Edits {
 public:
  Edits(std::string_view source, std::string_view file, Target target);

  size_t size() const { return tokens_.size(); }
  const CppToken& operator[](size_t i) const { return tokens_[i]; }
  const std::string& source() const { return source_; }
  std::string Text(size_t begin, size_t end) const;
  size_t Match(size_t open) const { return match_[open]; }  // its bracket
  // The next token of this text outside of inner brackets; `end` if there is none.
  size_t Find(std::string_view text, size_t begin, size_t end) const;
  bool IsBinary(size_t i) const;         // an operator between two values, as the layout shows
  bool BeginsStatement(size_t i) const;  // in a function
  size_t BeginOfStatement(size_t i) const;
  bool Declares(size_t i) const;  // a `[` that declares an array
  size_t EndOfTerm(size_t i) const;
  size_t EndOfExpression(size_t i) const;
  // Of a call; empty if these are the parameters of a declaration.
  std::vector<std::pair<size_t, size_t>> Arguments(size_t open) const;

  void Replace(const std::string& kind, size_t begin, size_t end, std::string_view text);
  void Replace(const std::string& kind, size_t i, std::string_view text) { Replace(kind, i, i + 1, text); }
  void Insert(const std::string& kind, size_t before, std::string_view text);
  void ReplaceDirective(const std::string& kind, size_t i, std::string_view text);
  // Like Replace; the text calls a function of the namespace `mutant`, which then stands in front of the candidate's.
  void Helped(const std::string& kind, size_t begin, size_t end, std::string_view text);
  // `begin`, `end`: places in the source.
  void ReplacePlan(const std::string& kind, size_t begin, size_t end, std::string_view text);

  std::vector<Mutant> Take() { return std::move(mutants_); }

 private:
  size_t Begin(size_t i) const;  // place in the source
  size_t End(size_t i) const { return Begin(i) + tokens_[i].text.size(); }
  void Add(const std::string& kind, size_t begin, size_t end, std::string_view text, bool helped = false);

  std::string source_, file_;
  Target target_;
  std::vector<CppToken> tokens_;
  std::vector<size_t> lines_;  // where they begin
  std::vector<size_t> match_;
  std::vector<bool> fixed_;  // not to be changed
  std::map<std::string, int> names_;
  std::vector<Mutant> mutants_;
};

// Faults of the plan: a step left out, arguments in another order, sizes that are too small or too large.
void PlanFaults(Edits& edits);

}  // namespace kopt
