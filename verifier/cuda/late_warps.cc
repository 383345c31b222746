#include "verifier/cuda/late_warps.h"

#include <algorithm>

namespace kopt {
namespace {

// For all lanes of a warp the same numbers, so that nothing diverges.
constexpr std::string_view kSleep =
    "{ .reg .pred %kopt_p; .reg .b32 %kopt_a, %kopt_b; mov.u32 %kopt_a, %clock; mov.u32 %kopt_b, %warpid; "
    "mad.lo.u32 %kopt_a, %kopt_b, 0x85ebca6b, %kopt_a; mul.lo.u32 %kopt_a, %kopt_a, 0x9e3779b1; "
    "shr.u32 %kopt_b, %kopt_a, 29; setp.eq.u32 %kopt_p, %kopt_b, 0; shr.u32 %kopt_a, %kopt_a, 16; "
    "and.b32 %kopt_a, %kopt_a, 0x1fff; @%kopt_p nanosleep.u32 %kopt_a; } ";

enum class Kind { kOther, kRead, kReadShared, kWrite, kWriteShared, kUpdate, kCopy, kBarrier, kMultiply };

struct Opcode {
  std::string_view begin;
  Kind kind;
};
// Of wgmma the fence before it alone: between it and the end of a group nothing may touch the registers.
constexpr Opcode kOpcodes[] = {{"ldmatrix.", Kind::kReadShared},
                               {"wmma.load.", Kind::kReadShared},
                               {"stmatrix.", Kind::kWriteShared},
                               {"wmma.store.", Kind::kWrite},
                               {"st.async.", Kind::kCopy},
                               {"cp.", Kind::kCopy},
                               {"atom.", Kind::kUpdate},
                               {"red.", Kind::kUpdate},
                               {"multimem.", Kind::kUpdate},
                               {"bar.", Kind::kBarrier},
                               {"barrier.", Kind::kBarrier},
                               {"mbarrier.", Kind::kBarrier},
                               {"griddepcontrol.", Kind::kBarrier},
                               {"wgmma.fence.", Kind::kMultiply},
                               {"tcgen05.", Kind::kMultiply}};

Kind KindOf(std::string_view opcode) {
  for (const Opcode& known : kOpcodes) {
    if (opcode.starts_with(known.begin)) return known.kind;
  }
  const auto has = [&](std::string_view part) { return opcode.find(part) != std::string_view::npos; };
  // Memory of one thread, and what nobody writes.
  if (has(".param") || has(".local") || has(".const") || has(".nc.")) return Kind::kOther;
  if (opcode.starts_with("ld.")) return has(".shared") ? Kind::kReadShared : Kind::kRead;
  if (opcode.starts_with("st.")) return has(".shared") ? Kind::kWriteShared : Kind::kWrite;
  return Kind::kOther;
}

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kOpcode = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$%.!@:";
constexpr std::string_view kWord = kOpcode.substr(0, kOpcode.size() - 1);  // a label ends before its colon

class Rewriter {
 public:
  explicit Rewriter(std::string_view ptx) : text_(ptx) { result_.reserve(2 * ptx.size()); }

  std::string Run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (const size_t blank = BlankAt(at_); blank > 0) {
        // Directives like .loc have no semicolon.
        if (directive_ && text_.substr(at_, blank).find('\n') != std::string_view::npos) begins_ = true;
        Copy(blank);
      } else if (c == '"') {
        if (begins_) begins_ = directive_ = false;  // no statement begins so
        Copy(std::min(text_.find('"', at_ + 1), text_.size() - 1) + 1 - at_);
      } else if (c == ';' || c == '{' || c == '}') {
        begins_ = true;
        Copy(1);
      } else if (begins_) {
        Statement();
      } else {
        Copy(1);
      }
    }
    return std::move(result_);
  }

 private:
  void Copy(size_t count) {
    result_ += text_.substr(at_, count);
    at_ += count;
  }

  // Characters from `at` on that are blank or a comment; 0: none.
  size_t BlankAt(size_t at) const {
    const std::string_view rest = text_.substr(at);
    if (rest.starts_with("//")) return std::min(rest.find('\n'), rest.size());
    if (rest.starts_with("/*")) return std::min(rest.find("*/", 2), rest.size() - 2) + 2;
    return std::min(rest.find_first_not_of(kBlank), rest.size());
  }
  size_t BehindBlanks(size_t at) const {
    while (at < text_.size() && BlankAt(at) > 0) at += BlankAt(at);
    return at;
  }
  size_t BehindWord(size_t at) const { return std::min(text_.find_first_not_of(kWord, at), text_.size()); }

  // An opcode with its suffixes, which may stand apart from it: "st .shared::cta .u32".
  std::string OpcodeAt(size_t at) const {
    std::string opcode;
    while (at < text_.size() && (opcode.empty() || text_[at] == '.')) {
      const size_t end = std::min(text_.find_first_not_of(kOpcode, at), text_.size());
      if (end == at) break;
      opcode += text_.substr(at, end - at);
      at = BehindBlanks(end);
    }
    return opcode + ".";
  }

  // At the first character of a label, a directive or an instruction, with its guard or without.
  void Statement() {
    const size_t word = BehindWord(at_);
    if (word < text_.size() && text_[word] == ':' && !text_.substr(word).starts_with("::")) {
      last_ = Kind::kOther;  // one may come here from elsewhere
      Copy(word + 1 - at_);
      return;
    }
    begins_ = false;
    directive_ = text_[at_] == '.';
    if (directive_) {
      const std::string_view name = text_.substr(at_, word - at_);
      if (name == ".entry" || name == ".func" || name == ".visible") last_ = Kind::kOther;
    } else {
      const Kind kind = KindOf(OpcodeAt(text_[at_] == '@' ? BehindBlanks(word) : at_));
      if (kind != Kind::kOther && (kind != last_ || kind == Kind::kBarrier)) result_ += kSleep;
      if (kind != Kind::kOther) last_ = kind;
    }
    Copy(std::max<size_t>(word - at_, 1));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string result_;
  bool begins_ = true;      // a statement
  bool directive_ = false;  // the statement is one
  Kind last_ = Kind::kOther;
};

}  // namespace

std::string WithLateWarps(std::string_view ptx) { return Rewriter(ptx).Run(); }

}  // namespace kopt
