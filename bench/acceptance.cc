// How often the acceptance rule errs, on simulated machines: bench/acceptance [confirmations a cell, default 2000].
//
// Each row is one kind of noise. False: A and B are equal, and the confirmation says faster or slower. Found: A is 2 %
// slower or faster, and it says so. Holds: the interval holds the truth. Width: mean width of the interval.
// Then the same on what real machines did (bench/noise, written by record_noise), as it was and with more on top, and
// what is reported after the luckiest of many equal candidates was chosen.
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

// As recorded, and with disturbances of the usual sizes on top.
std::vector<std::pair<std::string, NoiseModel>> Disturbed(const RecordedNoise& recorded) {
  return {{"as it was", {.name = "", .recorded = &recorded}},
          {"+ drift 5 %", {.name = "", .drift = 0.05, .wander = 0.003, .recorded = &recorded}},
          {"+ bursts", {.name = "", .burst_begins = 0.02, .recorded = &recorded}},
          {"+ processes 0.3 % apart", {.name = "", .process_spread = 0.003, .recorded = &recorded}}};
}

// Relative standard deviation of a batch, the median of all processes.
double NoiseOf(const RecordedNoise& recorded) {
  std::vector<double> noises;
  for (const auto& quads : recorded.processes) noises.push_back(Noise(DropDisturbed(quads).value_or(quads)));
  return Median(noises);
}

SimulatedComparison ComparisonOn(const RecordedNoise& recorded) {
  return {.batch_seconds = recorded.batch_seconds, .pause_seconds = recorded.pause_seconds};
}

void PrintRecorded(const std::vector<RecordedNoise>& recordings, int times) {
  for (const RecordedNoise& recorded : recordings) {
    PrintHeader(fmt::format("Recorded: {}; noise {:.2f} %, {} processes", recorded.name, 100 * NoiseOf(recorded),
                            recorded.processes.size()));
    for (const auto& [name, model] : Disturbed(recorded)) PrintRow(name, model, ComparisonOn(recorded), times);
  }
}

void PrintMany(const std::vector<RecordedNoise>& recordings, int times) {
  fmt::print("\n50 candidates, all equally fast: what a run reports\n{:<44} {:>8} {:>9} {:>9} {:>7} {:>7}\n", "",
             "winners", "luckiest", "reported", "most", "holds");
  fmt::print("{:<44} {:>8} {:>9} {:>9} {:>7} {:>7}\n", "", "", "screening", "", "", "truth");
  const auto print = [&](const std::string& name, const NoiseModel& model, SimulatedComparison comparison) {
    const bool few = comparison.batch_seconds > 0.01;  // on a CPU
    for (const double speedup : {1.0, 1.1}) {
      comparison.slowdown = 1 / speedup;
      const ManyTally tally = RepeatRuns(
          model, {.screening = few ? CpuScreening() : CudaScreening(), .confirmation = comparison}, times, 4);
      fmt::print("{:<44} {:>7.2f}% {:>+8.2f}% {:>+8.2f}% {:>+6.2f}% {:>6.1f}%\n", fmt::format("{}, {}x", name, speedup),
                 Percent(tally.winners, times), 100 * tally.screened, 100 * tally.reported, 100 * tally.most,
                 Percent(tally.covered, tally.winners));
    }
  };
  print("normal 1 %, processes 0.3 % apart", {.name = "", .process_spread = 0.003}, {});
  for (const RecordedNoise& recorded : recordings) {
    print(recorded.name, {.name = "", .recorded = &recorded}, ComparisonOn(recorded));
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
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // it takes minutes
  kopt::PrintConfirmations(times);
  kopt::PrintQuadCounts(times);
  kopt::PrintScreening(times);
  const auto recordings = kopt::ReadRecordings(KOPT_SOURCE "/bench/noise");
  if (!recordings) {
    fmt::print(stderr, "acceptance: {}\n", recordings.error().Text());
    return 2;
  }
  kopt::PrintRecorded(*recordings, times);
  kopt::PrintMany(*recordings, std::max(1, times / 10));
}
