// A document for people, and its two forms: Markdown (as GitHub reads it) and one HTML file. All text is data: what
// would be markup in either form is escaped, control characters are shown as escapes (Printable).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kopt {

// A run of words. Line ends and tabs in it are spaces.
struct Inline {
  enum class Kind { kPlain, kCode };
  Kind kind = Kind::kPlain;
  std::string text;
};

// Words with code among them: "The seed " + Code(file) + " has no tunables."
struct Prose {
  std::vector<Inline> parts;
  Prose() = default;
  Prose(std::string text) : parts{{.text = std::move(text)}} {}  // NOLINT: text is prose
  Prose(std::string_view text) : Prose(std::string(text)) {}     // NOLINT
  Prose(const char* text) : Prose(std::string(text)) {}          // NOLINT
  Prose& operator+=(Prose more);
};
Prose operator+(Prose left, Prose right);
Prose Code(std::string text);

struct Heading {
  Prose text;  // a section of the document; the title stands apart
};

struct Paragraph {
  Prose text;
};

struct Table {
  struct Column {
    Prose title;
    bool number = false;  // aligned to the right
  };
  std::vector<Column> columns;  // a table without any title has no header
  std::vector<std::vector<Prose>> rows;
  bool names = false;  // the first cell of each row names it
};

struct CodeBlock {
  std::string language;  // letters and digits; empty: none
  std::string text;
  bool numbered = false;  // HTML shows line numbers
};

struct List {
  std::vector<Prose> items;
};

// A picture. Markdown, which has none, shows `words` and `table` in its place; nothing if there is no table.
struct Figure {
  std::string svg;  // markup, see agent/report/svg.h
  Prose caption;
  Prose words;
  std::optional<Table> table;
};

using Block = std::variant<Heading, Paragraph, Table, CodeBlock, List, Figure>;

struct Document {
  Prose title;
  std::vector<Block> blocks;
};

std::string RenderMarkdown(const Document& document);
// One file that needs nothing else: no script, no resource from elsewhere. For screens of any width, light and dark,
// and for paper.
std::string RenderHtml(const Document& document);

}  // namespace kopt
