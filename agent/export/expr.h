// Plan expressions as C++ text.
#pragma once

#include <map>
#include <string>

#include "task/expr.h"

namespace kopt {

// What stands for each free name of an expression, and for a call that the grammar does not know: "occupancy(sum)".
using NameTexts = std::map<std::string, std::string, std::less<>>;

// An expression of C++ with the value of Expr::Int, in terms of `at`, a Checked of agent/export/templates/checked.h,
// which takes note of it where there is no value. Every name, and every call that the grammar does not know, must be
// in `names`; what Expr::CheckInteger refuses is not allowed.
std::string CppText(const Expr& expr, const NameTexts& names);

// An integer literal of C++, in parentheses if it is negative.
std::string CppLiteral(long long value);

}  // namespace kopt
