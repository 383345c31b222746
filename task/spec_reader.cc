#include "task/spec_reader.h"

#include <algorithm>
#include <limits>

#include "task/nearest.h"

namespace kopt {
namespace {

constexpr size_t kLargestText = size_t{1} << 20;
constexpr int kMostDots = 4096;

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a bool";
    default:
      return "a date or time";
  }
}

Position Of(const toml::source_position& at) { return {static_cast<int>(at.line), static_cast<int>(at.column)}; }

// Skips the string or comment that begins at `at`; the offset after it, or `at` + 1 for anything else.
size_t SkipToken(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == '#') return std::min(text.find('\n', at), text.size());
  if (c != '"' && c != '\'') return at + 1;
  const std::string triple(3, c);
  const bool multiline = text.substr(at).starts_with(triple);
  size_t i = at + (multiline ? 3 : 1);
  while (i < text.size()) {
    if (c == '"' && text[i] == '\\') {
      i += 2;
    } else if (multiline && text.substr(i).starts_with(triple)) {
      i += 3;
      while (i < text.size() && text[i] == c) ++i;  // up to two quotes belong to the content
      return i;
    } else if (!multiline && (text[i] == c || text[i] == '\n')) {
      return i + 1;
    } else {
      ++i;
    }
  }
  return text.size();
}

Position PositionAt(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

}  // namespace

void Problems::Add(Position position, std::string message, std::string key, std::string hint) {
  ++count_;
  const int last = std::numeric_limits<int>::max();
  const std::pair<int, int> at{position.line > 0 ? position.line : last, position.column};
  if (first_ && first_at_ <= at) return;
  first_at_ = at;
  first_ = Error{.exit = Exit::kUsage,
                 .message = std::move(message),
                 .file = file_,
                 .line = std::max(position.line, 1),
                 .column = std::max(position.column, 1),
                 .key = std::move(key),
                 .hint = std::move(hint)};
}

void Problems::AddWithin(Position start, const std::string& prefix, const Error& error, std::string key) {
  start.column += std::max(error.column, 1) - 1;
  Add(start, prefix + error.message, std::move(key), error.hint);
}

SpecText::SpecText(std::string_view text) : text_(text), lines_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') lines_.push_back(i + 1);
  }
}

Position SpecText::Content(Position quotes) const {
  if (quotes.line < 1 || static_cast<size_t>(quotes.line) > lines_.size()) return quotes;
  size_t at = lines_[static_cast<size_t>(quotes.line) - 1];
  for (int column = 1; column < quotes.column && at < text_.size(); ++at) {
    if (at + 1 >= text_.size() || (static_cast<unsigned char>(text_[at + 1]) & 0xc0) != 0x80) ++column;
  }
  const std::string_view rest = text_.substr(std::min(at, text_.size()));
  if (!rest.starts_with("'''") && !rest.starts_with("\"\"\"")) return {quotes.line, quotes.column + 1};
  const std::string_view content = rest.substr(3);
  if (content.starts_with("\n") || content.starts_with("\r\n")) return {quotes.line + 1, 1};
  return {quotes.line, quotes.column + 3};
}

std::optional<std::string> RefuseText(std::string_view text, Position& position) {
  position = {1, 1};
  if (text.size() > kLargestText) return fmt::format("the spec is larger than {} bytes", kLargestText);
  // Outside strings a dot stands in a number or between the parts of a key.
  int dots = 0;
  for (size_t at = 0; at < text.size(); at = SkipToken(text, at)) {
    if (text[at] != '.' || ++dots <= kMostDots) continue;
    position = PositionAt(text, at);
    return fmt::format("more than {} dots outside strings", kMostDots);
  }
  return std::nullopt;
}

Position PositionOf(const toml::node& node) { return Of(node.source().begin); }

TableReader::TableReader(const toml::table& table, std::string title, const Keys& keys, const SpecText& text,
                         Problems& problems)
    : table_(table), title_(std::move(title)), text_(text), problems_(problems), position_(PositionOf(table)) {
  const toml::key* unknown = nullptr;  // the first: one is enough
  for (const auto& [key, value] : table) {
    if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
    if (unknown == nullptr || key.source().begin < unknown->source().begin) unknown = &key;
  }
  if (unknown == nullptr) return;
  has_unknown_ = true;
  const std::string_view name = unknown->str();
  std::string hint = NearestHint(name, keys);
  if (name == "kopt" || name == "dims" || name == "dynamic" || name == "summary") {
    hint = fmt::format("`{}` belongs above the first [table]", name);
  }
  problems_.Add(Of(unknown->source().begin), fmt::format("unknown key `{}` in {}", Shown(name), title_), Shown(name),
                std::move(hint));
}

Position TableReader::KeyPosition(std::string_view key) const {
  for (const auto& [name, value] : table_) {
    if (name.str() == key) return Of(name.source().begin);
  }
  return position_;
}

void TableReader::Require(std::string_view key, std::string hint) {
  if (Has(key) || has_unknown_) return;
  problems_.Add(position_, fmt::format("{} lacks the key `{}`", title_, key), std::string(key), std::move(hint));
}

void TableReader::Report(std::string_view key, std::string message, std::string hint) {
  problems_.Add(KeyPosition(key), std::move(message), std::string(key), std::move(hint));
}

std::nullopt_t TableReader::WrongType(std::string_view key, const toml::node& node, std::string_view expected) {
  problems_.Add(PositionOf(node), fmt::format("`{}` must be {}, not {}", key, expected, TypeName(node)),
                std::string(key));
  return std::nullopt;
}

std::optional<Text> TableReader::String(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) return WrongType(key, *node, "a string");
  return Text{node->as_string()->get(), text_.Content(PositionOf(*node))};
}

std::optional<bool> TableReader::Bool(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_boolean()) return WrongType(key, *node, "true or false");
  return node->as_boolean()->get();
}

std::optional<long long> TableReader::Integer(std::string_view key, long long least, long long most) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_integer()) return WrongType(key, *node, "an integer");
  const long long value = node->as_integer()->get();
  if (value >= least && value <= most) return value;
  const std::string range = least == most ? fmt::format("{}", least) : fmt::format("from {} to {}", least, most);
  problems_.Add(PositionOf(*node), fmt::format("`{}` must be {}, not {}", Shown(key), range, value), Shown(key));
  return std::nullopt;
}

std::optional<double> TableReader::Number(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_number()) return WrongType(key, *node, "a number");
  return node->is_integer() ? static_cast<double>(node->as_integer()->get()) : node->as_floating_point()->get();
}

const toml::array* TableReader::List(std::string_view key, size_t most, std::string_view of) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return nullptr;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    WrongType(key, *node, of);
  } else if (list->size() > most) {
    problems_.Add(PositionOf(*node),
                  fmt::format("`{}` has {} entries, at most {} are allowed", key, list->size(), most),
                  std::string(key));
    return nullptr;
  }
  return list;
}

std::optional<std::vector<Text>> TableReader::Strings(std::string_view key, size_t most) {
  const toml::array* list = List(key, most, "a list of strings");
  if (list == nullptr) return std::nullopt;
  std::vector<Text> strings;
  for (const toml::node& node : *list) {
    if (!node.is_string()) return WrongType(key, node, "a list of strings");
    strings.push_back({node.as_string()->get(), text_.Content(PositionOf(node))});
  }
  return strings;
}

std::optional<Located<Expr>> TableReader::ParseExpression(std::string_view key, const toml::node& node) {
  if (node.is_integer()) return Located<Expr>{Expr::Constant(node.as_integer()->get()), PositionOf(node)};
  const bool fraction = node.is_floating_point();
  if (!node.is_string() && !fraction) return WrongType(key, node, "an expression");
  const Position start = fraction ? PositionOf(node) : text_.Content(PositionOf(node));
  auto expr = Expr::Parse(fraction ? fmt::format("{}", node.as_floating_point()->get()) : node.as_string()->get());
  if (expr) return Located<Expr>{*std::move(expr), start};
  problems_.AddWithin(start, fmt::format("`{}`: ", key), expr.error(), std::string(key));
  return std::nullopt;
}

std::optional<Located<Expr>> TableReader::Expression(std::string_view key) {
  const toml::node* node = table_.get(key);
  return node == nullptr ? std::nullopt : ParseExpression(key, *node);
}

std::optional<std::vector<Located<Expr>>> TableReader::Expressions(std::string_view key, size_t most) {
  const toml::array* list = List(key, most, "a list of expressions");
  if (list == nullptr) return std::nullopt;
  std::vector<Located<Expr>> expressions;
  for (const toml::node& node : *list) {
    auto expression = ParseExpression(key, node);
    if (!expression) return std::nullopt;
    expressions.push_back(*std::move(expression));
  }
  return expressions;
}

std::optional<size_t> TableReader::OneOf(std::string_view key, const Keys& names) {
  const auto text = String(key);
  if (!text) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), text->value);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  problems_.Add(text->position, fmt::format("`{}` cannot be \"{}\"", key, Shown(text->value)), std::string(key),
                NearestHint(text->value, names));
  return std::nullopt;
}

const toml::table* TableReader::Table(std::string_view key) {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return nullptr;
  if (node->is_array_of_tables()) {
    problems_.Add(PositionOf(*node), fmt::format("`{}` is one table: write [{}]", key, key), std::string(key));
    return nullptr;
  }
  if (!node->is_table()) WrongType(key, *node, "a table");
  return node->as_table();
}

std::vector<const toml::table*> TableReader::Tables(std::string_view key, size_t most) {
  std::vector<const toml::table*> tables;
  const toml::node* node = table_.get(key);
  if (node == nullptr) return tables;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    problems_.Add(PositionOf(*node), fmt::format("`{}` is a list of tables: write [[{}]]", key, key), std::string(key));
    return tables;
  }
  if (list->size() > most) {
    const toml::node& extra = (*list)[most];
    problems_.Add(PositionOf(extra), fmt::format("more than {} [[{}]]", most, key), std::string(key));
    return tables;
  }
  for (const toml::node& entry : *list) {
    if (entry.is_table()) {
      tables.push_back(entry.as_table());
    } else {
      WrongType(key, entry, "a list of tables");
    }
  }
  return tables;
}

}  // namespace kopt
