#include "task/target.h"

namespace kopt {

std::string_view Name(Target target) { return target == Target::kCpu ? "cpu" : "cuda"; }

std::optional<Target> ParseTarget(std::string_view name) {
  for (const Target target : {Target::kCpu, Target::kCuda}) {
    if (Name(target) == name) return target;
  }
  return std::nullopt;
}

}  // namespace kopt
