#include <fmt/format.h>

#include <cctype>
#include <iterator>
#include <set>

#include "agent/report/document.h"
#include "agent/report/markup.h"

namespace kopt {

extern const std::string_view kReportStyle;  // embedded: report.css

namespace {

constexpr size_t kLongCode = 40;  // lines; more than that scroll on a screen

// Nothing may be loaded and nothing may run, whatever the text says.
constexpr std::string_view kPolicy = "default-src 'none'; style-src 'unsafe-inline'";

// "5 %" stays on one line.
std::string Plain(std::string_view data) {
  std::string text = Escaped(data);
  for (size_t at = 1; (at = text.find(" %", at)) != std::string::npos; ++at) {
    if (std::isdigit(static_cast<unsigned char>(text[at - 1]))) text.replace(at, 1, "&nbsp;");
  }
  return text;
}

std::string Words(const Prose& prose) {
  std::string text;
  for (const Inline& part : prose.parts) {
    text += part.kind == Inline::Kind::kCode ? Element("code", {}, Escaped(part.text)) : Plain(part.text);
  }
  return text;
}

std::string Letters(const Prose& prose) {
  std::string text;
  for (const Inline& part : prose.parts) text += part.text;
  return text;
}

// Names of sections for links: lower-case letters, digits and hyphens, each once.
class Names {
 public:
  std::string Of(const Prose& heading) {
    std::string name;
    for (char c : Letters(heading)) {
      if (std::isalnum(static_cast<unsigned char>(c))) {
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (!name.empty() && name.back() != '-') {
        name += '-';
      }
    }
    if (name.ends_with('-')) name.pop_back();
    if (name.empty()) name = "section";
    std::string free = name;
    for (int i = 2; !taken_.insert(free).second; ++i) free = fmt::format("{}-{}", name, i);
    return free;
  }

 private:
  std::set<std::string> taken_;
};

std::string CodeLines(const std::string& text, size_t& count) {
  std::string lines;
  for (size_t begin = 0; begin < text.size(); ++count) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines += Element("span", {{"class", "line"}}, Escaped(std::string_view(text).substr(begin, end - begin)) + "\n");
    begin = end + 1;
  }
  return lines;
}

// A frame that scrolls where the screen is too narrow, also with the keyboard.
std::string Scrolling(std::string_view content) {
  return Element("div", {{"class", "scroll"}, {"tabindex", "0"}}, content);
}

class Renderer {
 public:
  std::string Body(const Document& document) {
    std::string summary, sections;
    for (const Block& block : document.blocks) {
      const std::string part = std::visit(*this, block);
      (open_ ? sections : summary) += part;
    }
    if (open_) sections += "</section>\n";
    if (open_) summary += Element("nav", {{"aria-label", "Contents"}}, "\n" + links_) + "\n";
    return Element("h1", {}, Words(document.title)) + "\n" + summary + sections;
  }

  std::string operator()(const Heading& heading) {
    const std::string name = names_.Of(heading.text);
    links_ += Element("a", {{"href", "#" + name}}, Escaped(Letters(heading.text))) + "\n";
    std::string text = open_ ? "</section>\n" : "";
    open_ = true;
    text += fmt::format("<section aria-labelledby=\"{}\">\n", name);
    return text + Element("h2", {{"id", name}}, Words(heading.text)) + "\n";
  }

  std::string operator()(const Paragraph& paragraph) { return Element("p", {}, Words(paragraph.text)) + "\n"; }

  std::string operator()(const Table& table) {
    bool titled = false;
    std::string titles;
    for (const Table::Column& column : table.columns) {
      titled = titled || !column.title.parts.empty();
      titles += Element("th", {{"scope", "col"}, {"class", column.number ? "number" : "text"}}, Words(column.title));
    }
    std::string text;
    if (titled) text += Element("thead", {}, Element("tr", {}, titles)) + "\n";
    std::string rows;
    for (const std::vector<Prose>& row : table.rows) rows += Element("tr", {}, Cells(table, row)) + "\n";
    text += Element("tbody", {}, "\n" + rows) + "\n";
    return Scrolling(Element("table", {}, "\n" + text)) + "\n";
  }

  std::string operator()(const CodeBlock& code) {
    size_t count = 0;
    const std::string lines = CodeLines(code.text, count);
    std::string kind = code.numbered ? "numbered" : "plain";
    if (count > kLongCode) kind += " long";
    const std::string language = "language-" + (code.language.empty() ? "text" : code.language);
    return Element("pre", {{"class", kind}, {"tabindex", "0"}}, Element("code", {{"class", language}}, lines)) + "\n";
  }

  std::string operator()(const List& list) {
    std::string items;
    for (const Prose& item : list.items) items += Element("li", {}, Words(item)) + "\n";
    return Element("ul", {}, "\n" + items) + "\n";
  }

  std::string operator()(const Figure& figure) {
    return Element("figure", {}, Scrolling(figure.svg) + "\n" + Element("figcaption", {}, Words(figure.caption))) +
           "\n";
  }

 private:
  static std::string Cells(const Table& table, const std::vector<Prose>& row) {
    std::string cells;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const std::string words = i < row.size() ? Words(row[i]) : "";
      const char* kind = table.columns[i].number ? "number" : "text";
      cells += table.names && i == 0 ? Element("th", {{"scope", "row"}, {"class", kind}}, words)
                                     : Element("td", {{"class", kind}}, words);
    }
    return cells;
  }

  Names names_;
  std::string links_;
  bool open_ = false;  // a section
};

}  // namespace

std::string RenderHtml(const Document& document) {
  const std::string head = fmt::format(
      "<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<title>{}</title>\n"
      "<style>\n{}</style>\n",
      kPolicy, Escaped(Letters(document.title)), kReportStyle);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n{}</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n", head,
      Renderer().Body(document));
}

}  // namespace kopt
