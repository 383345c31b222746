#include "agent/report/document.h"

#include <gtest/gtest.h>

#include "agent/report/markup.h"
#include "tests/agent/markup_check.h"

namespace kopt {
namespace {

std::string Markdown(Block block) {
  std::string text = RenderMarkdown({.title = "t", .blocks = {std::move(block)}});
  EXPECT_TRUE(text.starts_with("# t\n")) << text;
  return text.substr(std::min<size_t>(text.size(), 5));
}

std::string Html(Block block) {
  const std::string text = RenderHtml({.title = "t", .blocks = {std::move(block)}});
  EXPECT_EQ(MarkupCheck(text).problem(), "") << text;
  const std::string begin = "<h1>t</h1>\n", end = "</main>";
  const size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end) - from);
}

const char* const kHostile = "</pre><script>alert(\"1\" + '&lt;')</script>";
const char* const kHarmless = "&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot; + &#39;&amp;lt;&#39;)&lt;/script&gt;";

TEST(Markdown, BlocksStandApart) {
  EXPECT_EQ(RenderMarkdown({.title = "a: 2x",
                            .blocks = {Paragraph{"The seed " + Code("a.cpp") + " is right."}, Heading{"Then"},
                                       List{{"one", "two"}},
                                       Table{.columns = {{"name"}, {"n", true}}, .rows = {{"x", "1"}, {"y"}}},
                                       CodeBlock{.language = "cpp", .text = "int i;\n"}}}),
            "# a: 2x\n\nThe seed `a.cpp` is right.\n\n## Then\n\n- one\n- two\n\n"
            "| name | n |\n|---|---:|\n| x | 1 |\n| y | |\n\n```cpp\nint i;\n```\n");
}

TEST(Markdown, TextIsNoMarkup) {
  EXPECT_EQ(Markdown(Paragraph{"a*b* `c` <i> ~d~ $e$ \\f"}), "a\\*b\\* \\`c\\` \\<i> \\~d\\~ \\$e\\$ \\\\f\n");
  EXPECT_EQ(Markdown(Paragraph{"scale_baseline.cpp _x_"}), "scale_baseline.cpp \\_x\\_\n");
  EXPECT_EQ(Markdown(Paragraph{"1.3x [1, 2], [a](b) ![c][d] [e]: f"}), "1.3x [1, 2], [a]\\(b) ![c]\\[d] [e]\\: f\n");
  EXPECT_EQ(Markdown(Paragraph{"a & b &amp; &#9; &"}), "a & b \\&amp; \\&#9; &\n");
  for (const char* mark : {"# x", "> x", "- x", "+ x", "=", "| x"}) {
    EXPECT_EQ(Markdown(Paragraph{mark}), "\\" + std::string(mark) + "\n");
  }
  EXPECT_EQ(Markdown(Paragraph{"1. x"}), "1\\. x\n");
  EXPECT_EQ(Markdown(Paragraph{"    12) x\ny\tz"}), "12\\) x y z\n");
  EXPECT_EQ(Markdown(Paragraph{"\x1b[31m\xff"}), "\\\\x1b[31m?\n");
}

TEST(Markdown, AddressesAreNoLinks) {
  EXPECT_EQ(Markdown(Paragraph{"see https://a.b and www.c.d, WWW.e: f.g"}),
            "see https\\://a.b and www\\.c.d, WWW\\.e: f.g\n");
}

TEST(Markdown, CodeKeepsItsBackticks) {
  EXPECT_EQ(Markdown(Paragraph{Code("a*b")}), "`a*b`\n");
  EXPECT_EQ(Markdown(Paragraph{Code("a``b`c")}), "```a``b`c```\n");
  EXPECT_EQ(Markdown(Paragraph{Code("`a`")}), "`` `a` ``\n");
  EXPECT_EQ(Markdown(Paragraph{"x" + Code("")}), "x\n");
}

TEST(Markdown, CellsHoldAnything) {
  const Table table{.columns = {{"a|b"}}, .rows = {{"c | d\ne"}, {Code("f | g")}, {"\\| h"}, {Code("i\\")}}};
  EXPECT_EQ(Markdown(table), "| a\\|b |\n|---|\n| c \\| d e |\n| f \\| g |\n| \\\\\\| h |\n| `i\\` |\n");
}

TEST(Markdown, FencesAreLongEnough) {
  EXPECT_EQ(Markdown(CodeBlock{.text = "a"}), "```\na\n```\n");
  EXPECT_EQ(Markdown(CodeBlock{.language = "cpp", .text = "````\n# x\n"}), "`````cpp\n````\n# x\n`````\n");
  EXPECT_EQ(Markdown(CodeBlock{.text = "a\x01\n"}), "```\na\\x01\n```\n");
}

TEST(Markdown, AFigureIsItsTable) {
  const Table table{.columns = {{"n"}}, .rows = {{"1"}}};
  EXPECT_EQ(Markdown(Figure{.svg = "<svg/>", .caption = "seen", .words = "In words:", .table = table}),
            "In words:\n\n| n |\n|---|\n| 1 |\n");
  EXPECT_EQ(Markdown(Figure{.svg = "<svg/>", .caption = "seen"}), "");
}

TEST(Html, TextIsNoMarkup) {
  EXPECT_EQ(Html(Paragraph{kHostile}), "<p>" + std::string(kHarmless) + "</p>\n");
  EXPECT_EQ(Html(Paragraph{Code(kHostile)}), "<p><code>" + std::string(kHarmless) + "</code></p>\n");
  EXPECT_EQ(Html(List{{kHostile}}), "<ul>\n<li>" + std::string(kHarmless) + "</li>\n</ul>\n");
  EXPECT_EQ(Html(CodeBlock{.language = "c\"x", .text = kHostile}),
            "<pre class=\"plain\" tabindex=\"0\"><code class=\"language-c&quot;x\"><span class=\"line\">" +
                std::string(kHarmless) + "\n</span></code></pre>\n");
  EXPECT_EQ(Html(Figure{.svg = "<svg/>", .caption = kHostile}),
            "<figure><div class=\"scroll\" tabindex=\"0\"><svg/></div>\n<figcaption>" + std::string(kHarmless) +
                "</figcaption></figure>\n");
  EXPECT_EQ(Html(Paragraph{"\x1b[31m\xff\xe2\x80\xae"}), "<p>\\x1b[31m?\\u202e</p>\n");
  EXPECT_EQ(Html(Paragraph{"by 5 % or %"}), "<p>by 5&nbsp;% or %</p>\n");
}

TEST(Html, TablesSayWhatTheirCellsAre) {
  EXPECT_EQ(Html(Table{.columns = {{"<a>"}, {"n", true}}, .rows = {{kHostile, "1"}}, .names = true}),
            "<div class=\"scroll\" tabindex=\"0\"><table>\n"
            "<thead><tr><th scope=\"col\" class=\"text\">&lt;a&gt;</th><th scope=\"col\" "
            "class=\"number\">n</th></tr></thead>\n"
            "<tbody>\n<tr><th scope=\"row\" class=\"text\">" +
                std::string(kHarmless) + "</th><td class=\"number\">1</td></tr>\n</tbody>\n</table></div>\n");
  EXPECT_EQ(Html(Table{.columns = {{}, {}}, .rows = {{"x"}}}),
            "<div class=\"scroll\" tabindex=\"0\"><table>\n<tbody>\n"
            "<tr><td class=\"text\">x</td><td class=\"text\"></td></tr>\n</tbody>\n</table></div>\n");
}

TEST(Html, SectionsAreLinked) {
  const std::string text =
      RenderHtml({.title = kHostile, .blocks = {Paragraph{"first"}, Heading{"A & b!"}, Heading{"a b"}, Heading{"\""}}});
  EXPECT_EQ(MarkupCheck(text).problem(), "") << text;
  EXPECT_NE(text.find("<title>" + std::string(kHarmless) + "</title>"), std::string::npos);
  EXPECT_NE(text.find("<p>first</p>\n<nav aria-label=\"Contents\">\n<a href=\"#a-b\">A &amp; b!</a>\n"
                      "<a href=\"#a-b-2\">a b</a>\n<a href=\"#section\">&quot;</a>\n</nav>\n"
                      "<section aria-labelledby=\"a-b\">\n<h2 id=\"a-b\">A &amp; b!</h2>\n</section>\n"),
            std::string::npos)
      << text;
}

TEST(Html, NeedsNothingElse) {
  const std::string text = RenderHtml({.title = "t"});
  const MarkupCheck check(text);
  EXPECT_EQ(check.problem(), "");
  EXPECT_TRUE(text.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">"));
  for (const char* tag : {"script", "link", "img", "iframe"}) EXPECT_FALSE(check.Has(tag)) << tag;
  EXPECT_EQ(text.find("url("), std::string::npos);
  EXPECT_EQ(text.find("@import"), std::string::npos);
  for (const char* part : {"default-src 'none'", "prefers-color-scheme: dark", "@media print", "overflow-x: auto"}) {
    EXPECT_TRUE(text.find(part) != std::string::npos || text.find(Escaped(part)) != std::string::npos) << part;
  }
}

TEST(Html, LongCodeScrolls) {
  std::string code;
  for (int i = 0; i < 41; ++i) code += "x\n";
  EXPECT_NE(Html(CodeBlock{.text = code, .numbered = true}).find("<pre class=\"numbered long\""), std::string::npos);
  EXPECT_EQ(Html(CodeBlock{.text = "x\n\ny"}).find("long"), std::string::npos);
}

TEST(MarkupCheck, FindsWhatIsWrong) {
  EXPECT_EQ(MarkupCheck("<p class=\"a\">x &amp; y<br></p>").problem(), "");
  for (const char* wrong : {"<p>", "<p></b>", "</p>", "<p>a > b</p>", "<p>&x;</p>", "<p a=b></p>", "<p a=\"<\"></p>",
                            "<a href=\"http:x\"></a>", "<p id=\"a\"></p><p id=\"a\"></p>", "<p onclick=\"x\"></p>",
                            "<a href=\"#a\"></a>", "<p a=\"1\" a=\"2\"></p>"}) {
    EXPECT_NE(MarkupCheck(wrong).problem(), "") << wrong;
  }
}

}  // namespace
}  // namespace kopt
