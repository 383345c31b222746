// How often the acceptance rule errs, on simulated machines: bench/acceptance [confirmations a cell, default 2000].
//
// Each row is one kind of noise. False: A and B are equal, and the confirmation says faster or slower. Found: A is 2 %
// slower or faster, and it says so. Holds: the interval holds the truth. Width: mean width of the interval.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/verifier/timing_simulator.h"

namespace kopt {
namespace {

double Percent(int part, int whole) { return whole > 0 ? 100.0 * part / whole : 0; }

void PrintHeader(const std::string& title) {
  fmt::print("\n{}\n{:<30} {:>7} {:>7} {:>8} {:>8} {:>7} {:>7} {:>6} {:>6}\n", title, "noise", "false", "false",
             "found", "found", "holds", "noisy", "width", "quads");
  fmt::print("{:<30} {:>7} {:>7} {:>8} {:>8} {:>7} {:>7} {:>6} {:>6}\n", "", "faster", "slower", "2 % slow", "2 % fast",
             "truth", "", "", "");
}

void PrintRow(std::string_view name, const NoiseModel& model, SimulatedComparison comparison, int times) {
  const Tally same = Repeat(model, comparison, times, 1);
  comparison.slowdown = 1.02;
  const Tally slow = Repeat(model, comparison, times, 2);
  comparison.slowdown = 1 / 1.02;
  const Tally fast = Repeat(model, comparison, times, 3);
  fmt::print("{:<30} {:>6.2f}% {:>6.2f}% {:>7.1f}% {:>7.1f}% {:>6.1f}% {:>6.1f}% {:>5.2f}% {:>6.1f}\n", name,
             Percent(same.faster, times), Percent(same.slower, times), Percent(slow.slower, times),
             Percent(fast.faster, times), Percent(same.covered, same.Estimated()), Percent(same.noisy, times),
             100 * same.width, same.quads);
}

void PrintConfirmations(int times) {
  PrintHeader("Confirmation: three processes, one shape");
  for (const NoiseModel& model : NoiseModels()) PrintRow(model.name, model, {}, times);
  PrintHeader("Confirmation: three processes, three shapes");
  for (const NoiseModel& model : NoiseModels()) PrintRow(model.name, model, {.shapes = 3}, times);
}

void PrintQuadCounts(int times) {
  const NoiseModel model{.name = "", .batch = 0.01, .process_spread = 0.003};
  PrintHeader("Quads a process: noise 1 %, processes 0.3 % apart, one shape");
  for (int quads : {3, 4, 6, 8, 12, 16, 20, 24, 40}) {
    PrintRow(fmt::format("{} quads", quads), model, {.rule = {.least_quads = quads}}, times);
  }
}

void PrintScreening(int times) {
  PrintHeader("Screening: one process, 8 quads (ranks only, never names a winner)");
  for (const NoiseModel& model : NoiseModels()) {
    PrintRow(model.name, model, {.processes = 1, .rule = CpuScreening()}, times);
  }
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  int times = 2000;
  if (argc > 1) {
    const auto [end, error] = std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), times);
    if (error != std::errc() || *end != 0 || times < 1) {
      fmt::print(stderr, "usage: acceptance [confirmations a cell, 1 or more]\n");
      return 2;
    }
  }
  kopt::PrintConfirmations(times);
  kopt::PrintQuadCounts(times);
  kopt::PrintScreening(times);
}
