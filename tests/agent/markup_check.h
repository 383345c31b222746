// Whether HTML with pictures in it is well-formed, as strict as XML except for what HTML demands.
#pragma once

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kopt {

class MarkupCheck {
 public:
  explicit MarkupCheck(std::string_view text) : rest_(text) {
    if (rest_.starts_with("<!DOCTYPE html>\n")) rest_.remove_prefix(16);
    while (problem_.empty() && !rest_.empty()) Step();
    if (problem_.empty() && !open_.empty()) problem_ = "<" + open_.back() + "> is not closed";
    for (const std::string& id : referred_) {
      if (problem_.empty() && !ids_.contains(id)) problem_ = "there is no id " + id;
    }
  }

  const std::string& problem() const { return problem_; }  // the first one; empty: well-formed
  bool Has(const std::string& tag) const { return tags_.contains(tag); }
  size_t Count(const std::string& tag) const { return static_cast<size_t>(std::ranges::count(all_, tag)); }

 private:
  static bool IsName(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == ':'; }
  static bool IsVoid(const std::string& tag) { return tag == "meta" || tag == "br" || tag == "hr" || tag == "img"; }

  void Step() {
    if (rest_.front() != '<') return Text(rest_.substr(0, rest_.find('<')));
    if (rest_.starts_with("</")) return Close();
    Open();
  }

  // Characters and references; no stray `>`.
  void Text(std::string_view text) {
    const bool style = !open_.empty() && open_.back() == "style";
    for (size_t i = 0; i < text.size() && !style; ++i) {
      if (text[i] == '>' || (static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\n' && text[i] != '\t')) {
        problem_ = "a stray character in: " + std::string(text.substr(0, 40));
      }
      if (text[i] == '&') Reference(text.substr(i));
    }
    rest_.remove_prefix(text.size());
  }

  void Reference(std::string_view text) {
    static const std::set<std::string_view> kKnown = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&nbsp;"};
    if (!kKnown.contains(text.substr(0, text.find(';') + 1)))
      problem_ = "a reference: " + std::string(text.substr(0, 9));
  }

  std::string Name() {
    size_t length = 0;
    while (length < rest_.size() && IsName(rest_[length])) ++length;
    std::string name(rest_.substr(0, length));
    rest_.remove_prefix(length);
    if (name.empty()) problem_ = "no name at: " + std::string(rest_.substr(0, 20));
    return name;
  }

  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void Close() {
    rest_.remove_prefix(2);
    const std::string tag = Name();
    if (open_.empty() || open_.back() != tag) problem_ = "</" + tag + "> closes nothing";
    if (problem_.empty()) open_.pop_back();
    if (!Take(">")) problem_ = "</" + tag + " does not end";
  }

  void Open() {
    rest_.remove_prefix(1);
    const std::string tag = Name();
    tags_.insert(tag);
    all_.push_back(tag);
    std::set<std::string> seen;
    while (problem_.empty() && Take(" ")) Attribute(seen);
    if (!problem_.empty() || Take("/>")) return;
    if (!Take(">")) problem_ = "<" + tag + " does not end";
    if (!IsVoid(tag)) open_.push_back(tag);
  }

  void Attribute(std::set<std::string>& seen) {
    const std::string name = Name();
    if (!seen.insert(name).second) problem_ = name + " stands there twice";
    if (!Take("=\"")) problem_ = name + " has no quoted value";
    const std::string value(rest_.substr(0, rest_.find('"')));
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '<' || value[i] == '>') problem_ = "markup in the value of " + name;
      if (value[i] == '&') Reference(std::string_view(value).substr(i));
    }
    if (name.starts_with("on") || name == "src" || name == "style") problem_ = "the attribute " + name;
    if (name == "href" && !value.starts_with("#")) problem_ = "a link to " + value;
    if (name == "href") referred_.insert(value.substr(1));
    if (name == "id" && !ids_.insert(value).second) problem_ = "the id " + value + " comes twice";
    if (name == "aria-labelledby") {
      for (size_t begin = 0; begin <= value.size();) {
        const size_t end = std::min(value.find(' ', begin), value.size());
        referred_.insert(value.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    rest_.remove_prefix(std::min(value.size() + 1, rest_.size()));
  }

  std::string_view rest_;
  std::string problem_;
  std::vector<std::string> open_, all_;
  std::set<std::string> tags_, ids_, referred_;
};

}  // namespace kopt
