#include "agent/code_blocks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>
#include <utility>

namespace kopt {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr int kMostNested = 3;  // blocks within blocks; so that a long text costs a few passes

constexpr std::array<std::pair<std::string_view, char>, 8> kEntities = {{{"&lt;", '<'},
                                                                         {"&gt;", '>'},
                                                                         {"&amp;", '&'},
                                                                         {"&quot;", '"'},
                                                                         {"&apos;", '\''},
                                                                         {"&#39;", '\''},
                                                                         {"&#x27;", '\''},
                                                                         {"&#34;", '"'}}};

struct Fence {
  char mark = '`';
  size_t length = 0;
  std::string_view info;
};

std::optional<Fence> FenceOf(std::string_view line) {
  line = Trimmed(line);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return std::nullopt;
  const size_t length = std::min(line.find_first_not_of(line[0]), line.size());
  const std::string_view info = Trimmed(line.substr(length));
  if (length < 3 || (line[0] == '`' && info.find('`') != std::string_view::npos)) return std::nullopt;
  return Fence{line[0], length, info};
}

// "- " or "2. " in front of an opening fence.
std::string_view WithoutListMark(std::string_view line) {
  line = Trimmed(line);
  const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const std::string_view mark = line.substr(digits);
  const bool is_mark = digits > 0 ? mark.starts_with(". ") || mark.starts_with(") ")
                                  : mark.starts_with("- ") || mark.starts_with("* ") || mark.starts_with("+ ");
  return is_mark ? mark.substr(2) : line;
}

std::string FirstWord(std::string_view info) {
  std::string word(info.substr(0, info.find_first_of(" \t{,:")));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word;
}

std::optional<std::pair<std::string_view, char>> EntityAt(std::string_view text) {
  const auto found =
      std::ranges::find_if(kEntities, [&](const auto& entity) { return text.starts_with(entity.first); });
  return found == kEntities.end() ? std::nullopt : std::optional(*found);
}

// Empty: the text is not escaped.
std::string Unescaped(std::string_view text) {
  if (text.find_first_of("<>") != std::string_view::npos || text.find('&') == std::string_view::npos) return "";
  std::string plain;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    plain += text.substr(0, end);
    text.remove_prefix(end);
    if (text.empty()) break;
    const auto entity = EntityAt(text);
    if (!entity) return "";
    plain += entity->second;
    text.remove_prefix(entity->first.size());
  }
  return plain;
}

// The blanks that every line which is not blank begins with.
std::string_view CommonIndentation(std::string_view text) {
  std::optional<std::string_view> common;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    const size_t indentation = line.find_first_not_of(kBlanks);
    if (indentation == std::string_view::npos) continue;
    if (!common) common = line.substr(0, indentation);
    const auto end = std::ranges::mismatch(*common, line.substr(0, indentation)).in1;
    common = common->substr(0, static_cast<size_t>(std::distance(common->begin(), end)));
  }
  return common.value_or("");
}

void AddBlocks(std::string_view text, int first_line, int nested, std::vector<CodeBlock>& blocks);

// Adds the block of that content, or the blocks that it wraps.
void AddBlock(const Fence& fence, std::string_view content, bool closed, int line, int nested,
              std::vector<CodeBlock>& blocks) {
  std::string info = FirstWord(fence.info);
  const size_t begin = content.find_first_not_of(kBlanks);
  std::string_view rest = content.substr(std::min(begin, content.size()));
  const bool wraps = info == "markdown" || info == "md" || FenceOf(TakeLine(rest));
  const size_t known = blocks.size();
  if (wraps && nested < kMostNested) AddBlocks(content, line, nested + 1, blocks);
  if (blocks.size() > known) return;
  CodeBlock block{.info = std::move(info), .closed = closed, .line = line};
  block.code = CleanCode(content, block.escaped);
  blocks.push_back(std::move(block));
}

void AddBlocks(std::string_view text, int first_line, int nested, std::vector<CodeBlock>& blocks) {
  std::optional<Fence> open;
  std::string_view begin = text;  // of the open block, to the end of the text
  int number = first_line, begin_line = first_line;
  const auto content = [&](std::string_view from) { return begin.substr(0, begin.size() - from.size()); };
  while (!text.empty()) {
    const std::string_view from_here = text;
    const std::string_view line = TakeLine(text);
    ++number;
    const std::optional<Fence> fence = FenceOf(open ? line : WithoutListMark(line));
    if (!fence || (open && (fence->mark != open->mark || fence->length < open->length))) continue;
    if (open) AddBlock(*open, content(from_here), fence->info.empty(), begin_line, nested, blocks);
    open = open && fence->info.empty() ? std::nullopt : fence;
    begin = text;
    begin_line = number;
  }
  if (open) AddBlock(*open, begin, false, begin_line, nested, blocks);
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string CleanCode(std::string_view text, bool& escaped) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const std::string plain = Unescaped(text);
  escaped = !plain.empty();
  if (escaped) text = plain;
  const size_t indentation = CommonIndentation(text).size();
  std::string code;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    code += line.substr(std::min(indentation, line.size()));
    code += '\n';
  }
  return code;
}

std::vector<CodeBlock> CodeBlocks(std::string_view text) {
  std::vector<CodeBlock> blocks;
  AddBlocks(text, 1, 0, blocks);
  return blocks;
}

}  // namespace kopt
