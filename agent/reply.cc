#include "agent/reply.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "agent/code_blocks.h"
#include "agent/code_language.h"
#include "base/printable.h"
#include "task/candidate.h"
#include "task/cpp_tokens.h"
#include "task/nearest.h"

namespace kopt {
namespace {

constexpr size_t kLongestCompared = 1 << 20;  // bytes: the longest file that can be a candidate
constexpr size_t kMostTokens = 200'000;       // looked at for a function's name

std::string Needed(Target target) {
  return target == Target::kCuda
             ? "Needed is one complete CUDA C++ source file in one fenced block, with at least one plan line "
               "`//@ launch KERNEL grid(...) block(...) args(...)`."
             : "Needed is one complete C++ source file in one fenced block, with at least one plan line "
               "`//@ call FUNCTION args(...)`.";
}

// ---- blocks ----

struct Block {
  CodeBlock text;
  CodeTraits traits;
};

bool IsCode(const Block& block) { return block.traits.IsCpp() || block.traits.plan; }

// The text from its first line of code to its last.
std::optional<Block> BareCode(std::string_view text, std::vector<std::string>& notes) {
  std::string_view rest = text;
  size_t begin = 0, end = text.size();
  int number = 0, first_line = 0;
  while (!rest.empty()) {
    const size_t at = text.size() - rest.size();
    const std::string_view line = TakeLine(rest);
    ++number;
    if (first_line == 0 && BeginsCode(line)) {
      first_line = number;
      begin = at;
    }
    if (first_line != 0 && EndsCode(line)) end = text.size() - rest.size();
  }
  if (first_line == 0) return std::nullopt;
  if (!Trimmed(text.substr(end)).empty()) notes.push_back("what follows the code was left out");
  Block block{.text = {.closed = true, .line = first_line}};
  block.text.code = CleanCode(text.substr(begin, end - begin), block.text.escaped);
  block.traits = TraitsOf("", block.text.code);
  return block;
}

// The last block of the highest rank; the end if no block is code.
std::vector<Block>::const_iterator Best(const std::vector<Block>& blocks) {
  const auto rank = [](const Block& block) {
    const CodeTraits& traits = block.traits;
    if (!IsCode(block)) return 0;
    if (traits.step) return traits.code ? 5 : 3;
    if (traits.plan && traits.code) return 4;
    return traits.function ? 2 : 1;
  };
  auto best = blocks.end();
  for (auto block = blocks.begin(); block != blocks.end(); ++block) {
    if (rank(*block) > 0 && (best == blocks.end() || rank(*block) >= rank(*best))) best = block;
  }
  return best;
}

std::string ComparableCode(const std::string& code) {
  return code.size() <= kLongestCompared ? NormalisedCode(code) : code;
}

size_t DifferentCandidates(const std::vector<Block>& blocks) {
  std::set<std::string> codes;
  for (const Block& block : blocks) {
    if (block.traits.step && block.traits.code) codes.insert(ComparableCode(block.text.code));
  }
  return codes.size();
}

// ---- complaints ----

// "softmax" and "x, y, R" of the first function that is `extern "C"` or a kernel.
struct Function {
  std::string name;
  std::vector<std::string> parameters;
};
std::optional<Function> FirstFunction(std::string_view code) {
  const std::vector<CppToken> tokens = Tokenise(code.substr(0, kLongestCompared), kMostTokens);
  const auto marks = [](const CppToken& token) { return token.Is("__global__") || token.text == "\"C\""; };
  auto at = std::ranges::find_if(tokens, marks);
  const auto find = [&](std::string_view word) {
    return std::find_if(at, tokens.end(), [&](const CppToken& token) { return token.Is(word); });
  };
  at = find("void");
  at = find("(");
  while (at != tokens.end() && std::prev(at)->text.starts_with("__")) {  // __launch_bounds__(256)
    at = find(")");
    at = find("(");
  }
  if (at == tokens.end() || std::prev(at)->kind != CppToken::Kind::kName) return std::nullopt;
  Function function{.name = std::prev(at)->text};
  const auto end = find(")");
  for (; at != end; ++at) {
    const auto next = std::next(at);
    const bool ends = next != tokens.end() && (next->Is(",") || next->Is(")"));
    if (ends && at->kind == CppToken::Kind::kName && !at->Is("void")) function.parameters.push_back(at->text);
  }
  return function;
}

std::string NoPlan(std::string_view code, Target target) {
  const auto function = FirstFunction(code);
  const std::string name = function ? Shown(function->name) : target == Target::kCuda ? "KERNEL" : "FUNCTION";
  std::string args = function ? fmt::format("{}", fmt::join(function->parameters, ", ")) : "...";
  if (args.size() > 200) args = "...";
  const std::string step =
      target == Target::kCuda ? fmt::format("launch {} grid(...) block(...)", name) : "call " + name;
  return Printable(fmt::format(
      "The code has no `//@` line, so nothing says what to run. Put a plan in front of it, at least `//@ {} args({})`.",
      step, args));
}

std::string WrongLanguage(const std::string& language, Target target) {
  return fmt::format("The code is {}. {}", language, Needed(target));
}

// What no compiler should get: zero bytes, invalid UTF-8. Empty: neither.
std::string BadBytes(std::string_view code) {
  int line = 1;
  size_t line_begin = 0;
  for (size_t at = 0; at < code.size();) {
    const size_t length = FirstCharacter(code.substr(at)).length;
    if (length == 0 || code[at] == '\0') {
      return fmt::format("Line {} of the code holds {} at byte {}. Write the file again as plain text.", line,
                         length == 0 ? fmt::format("0x{:02x}, which is not UTF-8 there,",
                                                   static_cast<unsigned>(static_cast<unsigned char>(code[at])))
                                     : "a zero byte",
                         at - line_begin + 1);
    }
    if (code[at] == '\n') {
      ++line;
      line_begin = at + 1;
    }
    at += length;
  }
  return "";
}

// ---- one text ----

struct Blocks {
  std::vector<Block> all;
  std::vector<std::string> notes;
  std::string foreign;  // a language other than C++ and CUDA, if a block has one: the last
};

Blocks BlocksOf(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Blocks blocks;
  const auto look_at_language = [&](const CodeTraits& traits) {
    if (!traits.language.empty() && !traits.IsCpp()) blocks.foreign = traits.language;
  };
  for (CodeBlock& found : CodeBlocks(text)) {
    CodeTraits traits = TraitsOf(found.info, found.code);
    look_at_language(traits);
    blocks.all.push_back({std::move(found), std::move(traits)});
  }
  if (std::ranges::any_of(blocks.all, IsCode)) return blocks;
  // Code beside fences that hold something else needs more to be believed.
  const bool fences = !blocks.all.empty();
  if (!fences) look_at_language(TraitsOf("", text));
  auto bare = BareCode(text, blocks.notes);
  if (bare && (bare->traits.step || (!fences && blocks.foreign.empty()))) blocks.all.push_back(*std::move(bare));
  return blocks;
}

// What is wrong with the block that was chosen; empty: nothing.
std::string ComplaintAbout(const Block& block, const std::string& foreign, Target target) {
  const CodeTraits& traits = block.traits;
  if (!traits.plan && target == Target::kCpu && traits.language == "CUDA") {
    return "The code is CUDA, but this task runs on a CPU. " + Needed(target);
  }
  if (!traits.plan && !traits.function && !foreign.empty()) return WrongLanguage(foreign, target);
  if (!traits.plan) return NoPlan(block.text.code, target);
  if (!traits.code) {
    return "The block with the plan lines holds no code; both belong into one. " + Needed(target);
  }
  return BadBytes(block.text.code);
}

struct Answer {
  std::expected<FoundCandidate, std::string> candidate;
  bool any_code = true;
};

Answer Look(std::string_view text, Target target) {
  Blocks blocks = BlocksOf(text);
  const auto best = Best(blocks.all);
  if (best == blocks.all.end()) {
    if (!blocks.foreign.empty()) return {std::unexpected(WrongLanguage(blocks.foreign, target))};
    return {std::unexpected("The reply holds no code. " + Needed(target)), false};
  }
  std::string complaint = ComplaintAbout(*best, blocks.foreign, target);
  if (!complaint.empty()) return {std::unexpected(std::move(complaint))};

  FoundCandidate found{best->text.code, std::move(blocks.notes)};
  if (!best->text.closed && std::next(best) == blocks.all.end())
    found.notes.push_back("the reply ended inside the code");
  if (best->text.escaped) found.notes.push_back("the code was HTML-escaped");
  if (const size_t different = DifferentCandidates(blocks.all); different > 1) {
    found.notes.push_back(
        fmt::format("of {} different candidates in the reply the last one, from line {} on, was taken", different,
                    best->text.line));
  }
  return {std::move(found)};
}

// Some endpoints leave the reasoning in the reply. The part of `reply` that is the answer; the rest goes to `thought`.
std::string_view WithoutThought(std::string_view reply, std::string_view& thought) {
  constexpr std::string_view kBegin = "<think>", kEnd = "</think>";
  const size_t end = reply.rfind(kEnd);
  const bool unfinished = end == std::string_view::npos && Trimmed(reply.substr(0, 4096)).starts_with(kBegin);
  if (end == std::string_view::npos && !unfinished) return reply;
  const size_t length = unfinished ? reply.size() : end;
  if (thought.empty()) thought = reply.substr(0, length);
  return unfinished ? "" : reply.substr(end + kEnd.size());
}

}  // namespace

std::expected<FoundCandidate, std::string> FindCandidate(std::string_view reply, std::string_view reasoning,
                                                         Target target) {
  reply = WithoutThought(reply, reasoning);
  Answer in_reply = Look(reply, target);
  if (in_reply.any_code) return in_reply.candidate;
  Answer in_reasoning = Look(reasoning, target);
  if (!in_reasoning.candidate) return in_reply.candidate;
  in_reasoning.candidate->notes.push_back("the answer held no code; this is from the reasoning");
  return in_reasoning.candidate;
}

}  // namespace kopt
