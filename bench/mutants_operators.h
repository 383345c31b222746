// Mutants: a right candidate with one small fault in it, of the kinds that people and models make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "task/spec.h"

namespace kopt {

struct Mutant {
  std::string name;    // "softmax.cpp:59:arithmetic:+->-", with "#2" for the second such fault of a line
  std::string kind;    // "arithmetic"
  int line = 0;        // of the candidate; a mutant has as many lines as it
  std::string source;  // the whole candidate
  bool plan = false;   // the fault is in a plan line
};

// Every mutant of a candidate, by kind and place. `file`: how names begin. Whether one compiles, and whether it means
// something else than the candidate, is not looked at.
std::vector<Mutant> MutantsOf(std::string_view source, std::string_view file, Target target);

// The same in the order in which to take them: the kinds in turn, and of each kind the places spread over the file, so
// that any number from the front is a fair sample. Always the same order.
std::vector<Mutant> Spread(std::vector<Mutant> mutants);

// What differs: "- " and the line before, "+ " and the line after.
std::string Difference(std::string_view source, const Mutant& mutant);

}  // namespace kopt
