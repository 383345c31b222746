#include "verifier/cuda/late_warps.h"

#include <algorithm>
#include <array>

namespace kopt {
namespace {

// For all lanes of a warp the same numbers, so that nothing diverges. On one line, so that the text's lines stay.
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
constexpr std::array kOpcodes = {Opcode{"ldmatrix", Kind::kReadShared},
                                 Opcode{"wmma.load", Kind::kReadShared},
                                 Opcode{"stmatrix", Kind::kWriteShared},
                                 Opcode{"wmma.store", Kind::kWrite},
                                 Opcode{"st.async", Kind::kCopy},
                                 Opcode{"cp.", Kind::kCopy},
                                 Opcode{"atom.", Kind::kUpdate},
                                 Opcode{"red.", Kind::kUpdate},
                                 Opcode{"multimem.", Kind::kUpdate},
                                 Opcode{"bar.", Kind::kBarrier},
                                 Opcode{"barrier.", Kind::kBarrier},
                                 Opcode{"mbarrier.", Kind::kBarrier},
                                 Opcode{"griddepcontrol.", Kind::kBarrier},
                                 Opcode{"wgmma.fence", Kind::kMultiply},
                                 Opcode{"tcgen05.", Kind::kMultiply}};

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

constexpr std::string_view kBlank = " \t\r";

// Behind blanks, braces and a guard ("@%p1 ").
std::string_view Instruction(std::string_view statement) {
  const auto skip = [&](std::string_view what) {
    statement.remove_prefix(std::min(statement.find_first_not_of(what), statement.size()));
  };
  skip(" \t\r{}");
  if (statement.starts_with("@")) {
    statement.remove_prefix(std::min(statement.find_first_of(kBlank), statement.size()));
    skip(kBlank);
  }
  return statement.substr(0, std::min(statement.find_first_of(" \t\r;"), statement.size()));
}

class Rewriter {
 public:
  std::string Run(std::string_view ptx) {
    result_.reserve(2 * ptx.size());
    while (!ptx.empty()) {
      const size_t end = std::min(ptx.find('\n'), ptx.size() - 1) + 1;
      Line(ptx.substr(0, end));
      ptx.remove_prefix(end);
    }
    return std::move(result_);
  }

 private:
  // Instructions stand on one line or on several, several may share one; directives end with their line.
  void Line(std::string_view line) {
    const size_t comment = std::min(line.find("//"), line.size());
    std::string_view code = line.substr(0, comment);
    const size_t first = code.find_first_not_of(kBlank);
    if (in_comment_ || code.find("/*") != std::string_view::npos) {
      const size_t open = code.rfind("/*"), close = code.rfind("*/");
      in_comment_ = close == std::string_view::npos || (open != std::string_view::npos && open > close);
      result_ += line;
      return;
    }
    if (first == std::string_view::npos || code[first] == '.' || code.find('"') != std::string_view::npos) {
      result_ += line;
      return;
    }
    while (!code.empty()) {
      const size_t end = std::min(code.find(';'), code.size() - 1) + 1;
      Statement(code.substr(0, end));
      code.remove_prefix(end);
    }
    result_ += line.substr(comment);
  }

  void Statement(std::string_view statement) {
    const std::string_view opcode = Instruction(statement);
    if (opcode.find(':') != std::string_view::npos) last_ = Kind::kOther;  // a label: one may come here from elsewhere
    const Kind kind = KindOf(opcode);
    if (kind != Kind::kOther && (kind != last_ || kind == Kind::kBarrier)) {
      const size_t begin = statement.find_first_not_of(" \t\r{}");
      result_ += statement.substr(0, begin);
      result_ += kSleep;
      result_ += statement.substr(begin);
    } else {
      result_ += statement;
    }
    if (kind != Kind::kOther) last_ = kind;
  }

  std::string result_;
  Kind last_ = Kind::kOther;
  bool in_comment_ = false;
};

}  // namespace

std::string WithLateWarps(std::string_view ptx) { return Rewriter().Run(ptx); }

}  // namespace kopt
