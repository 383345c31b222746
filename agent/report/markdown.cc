#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "agent/report/document.h"
#include "base/printable.h"

namespace kopt {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80; }

// On one line.
std::string Flat(std::string_view text) {
  std::string flat = Printable(text);
  std::ranges::replace_if(flat, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return flat;
}

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) { return std::tolower(static_cast<unsigned char>(c)); });
}

// Whether a character at `i` could begin or end something that is no text. A single `_` within a word cannot, a `[`
// only by what follows its bracket, an `&` only before a letter or digit. `://` and `www.` make links by themselves.
bool IsMarkup(std::string_view text, size_t i) {
  const auto at = [&](size_t j) { return j < text.size() ? text[j] : ' '; };
  switch (text[i]) {
    case '_':
      return i == 0 || !IsWord(text[i - 1]) || !IsWord(at(i + 1));
    case ':':
      if (text.substr(i, 3) == "://") return true;
      [[fallthrough]];
    case '[':
    case '(':
      return i > 0 && text[i - 1] == ']';
    case '.':
      return i >= 3 && EqualIgnoringCase(text.substr(i - 3, 3), "www");
    case '&':
      return IsWord(at(i + 1)) || at(i + 1) == '#';
    default:
      return std::string_view("\\`*<~$").find(text[i]) != std::string_view::npos;
  }
}

std::string Plain(std::string_view data) {
  const std::string text = Flat(data);
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsMarkup(text, i)) escaped += '\\';
    escaped += text[i];
  }
  return escaped;
}

std::string CodeSpan(std::string_view data) {
  std::string text = Flat(data);
  if (text.find_first_not_of(' ') == std::string::npos) return text;
  const std::string fence = Fence(text, 1);
  const bool apart = text.front() == '`' || text.back() == '`' || (text.front() == ' ' && text.back() == ' ');
  return apart ? fmt::format("{} {} {}", fence, text, fence) : fence + text + fence;
}

std::string Words(const Prose& prose) {
  std::string text;
  for (const Inline& part : prose.parts) {
    text += part.kind == Inline::Kind::kCode ? CodeSpan(part.text) : Plain(part.text);
  }
  return text;
}

// Nothing can be escaped in code: with a `|` in it, it becomes text.
std::string Cell(const Prose& prose) {
  std::string cell;
  for (const Inline& part : prose.parts) {
    const bool code = part.kind == Inline::Kind::kCode && part.text.find('|') == std::string::npos;
    const std::string text = code ? CodeSpan(part.text) : Plain(part.text);
    for (char c : text) {
      if (c == '|') cell += '\\';
      cell += c;
    }
  }
  return cell;
}

// What a line of text begins with could make it a heading, a quotation, an item of a list, a rule or a code block.
std::string Line(const Prose& prose) {
  std::string text = Words(prose);
  text.erase(0, text.find_first_not_of(' '));
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const bool item = digits > 0 && digits < text.size() && (text[digits] == '.' || text[digits] == ')') &&
                    (digits + 1 == text.size() || text[digits + 1] == ' ');
  if (item) {
    text.insert(digits, "\\");
  } else if (!text.empty() && std::string_view("#>+-=|").find(text.front()) != std::string_view::npos) {
    text.insert(0, "\\");
  }
  return text;
}

std::string Row(const std::vector<Prose>& cells, size_t columns) {
  std::string row = "|";
  for (size_t i = 0; i < columns; ++i) {
    const std::string cell = i < cells.size() ? Cell(cells[i]) : "";
    row += (cell.empty() ? "" : " ") + cell + " |";
  }
  return row + "\n";
}

struct Renderer {
  std::string operator()(const Heading& heading) const { return "## " + Words(heading.text) + "\n"; }

  std::string operator()(const Paragraph& paragraph) const { return Line(paragraph.text) + "\n"; }

  std::string operator()(const Table& table) const {
    std::vector<Prose> titles;
    std::string rule = "|";
    for (const Table::Column& column : table.columns) {
      titles.push_back(column.title);
      rule += column.number ? "---:|" : "---|";
    }
    std::string text = Row(titles, titles.size()) + rule + "\n";
    for (const std::vector<Prose>& row : table.rows) text += Row(row, titles.size());
    return text;
  }

  std::string operator()(const CodeBlock& code) const {
    const std::string text = Printable(code.text);
    const std::string fence = Fence(text, 3);
    return fmt::format("{}{}\n{}{}{}\n", fence, code.language, text, text.ends_with('\n') ? "" : "\n", fence);
  }

  std::string operator()(const List& list) const {
    std::string text;
    for (const Prose& item : list.items) text += "- " + Line(item) + "\n";
    return text;
  }

  std::string operator()(const Figure& figure) const {
    if (!figure.table) return "";
    return Line(figure.words) + "\n\n" + (*this)(*figure.table);
  }
};

}  // namespace

std::string RenderMarkdown(const Document& document) {
  std::string text = "# " + Words(document.title) + "\n";
  for (const Block& block : document.blocks) {
    const std::string part = std::visit(Renderer(), block);
    if (!part.empty()) text += "\n" + part;
  }
  return text;
}

}  // namespace kopt
