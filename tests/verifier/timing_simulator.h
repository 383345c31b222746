// Plays the batches of a timed comparison on a machine with a chosen kind of noise: what the acceptance rule is tried
// on.
#pragma once

#include <cstdint>
#include <ostream>
#include <random>
#include <string_view>
#include <vector>

#include "tests/verifier/recorded_noise.h"
#include "verifier/core/statistics.h"

namespace kopt {

// Relative disturbances of one batch's time. Everything is drawn anew for each process.
struct NoiseModel {
  std::string_view name;
  double batch = 0.01;        // standard deviation of each batch
  bool heavy_tails = false;   // Student's t with 3 degrees of freedom (scaled to `batch`) instead of normal
  double spikes = 0;          // share of batches that take 1.2 to 2 times as long
  double drift = 0;           // linear, over 100 batches; its sign is drawn
  double wander = 0;          // standard deviation of a random walk's step, per batch
  double burst_begins = 0;    // chance per batch that 4 batches (mean) each take 2 to 20 % longer
  double clock_steps = 0;     // chance per batch that the clock changes between two speeds 3 % apart
  double process_spread = 0;  // standard deviation of a ratio between processes
  const RecordedNoise* recorded = nullptr;  // what a real machine did, below all the rest; `batch` is then none of it

  friend void PrintTo(const NoiseModel& model, std::ostream* out) { *out << model.name; }
};

// Every model that the promises are tried on.
const std::vector<NoiseModel>& NoiseModels();

// One process pair: the state of the machine and its random numbers.
class SimulatedProcess {
 public:
  SimulatedProcess(const NoiseModel& model, uint64_t seed);
  // A quad, ABBA and BAAB by turns. `slowdown`: true time of A / true time of B.
  Quad Sample(double slowdown, double seconds);

 private:
  double Factor();
  Quad Recorded();
  double Uniform() { return std::uniform_real_distribution<double>()(random_); }
  double Normal() { return std::normal_distribution<double>()(random_); }

  const NoiseModel& model_;
  std::mt19937_64 random_;
  int samples_ = 0;
  double offset_, drift_, walk_ = 0;
  bool burst_ = false, slow_clock_ = false;
  // Of a recording: a process, and where the stretch that is played now goes on and how much of it is left.
  size_t process_ = 0, next_ = 0, left_ = 0;
};

struct SimulatedComparison {
  double slowdown = 1;  // true time of the candidate / true time of the baseline
  double batch_seconds = 0.02;
  double pause_seconds = 0;  // of the clock, between batches
  int shapes = 1;
  int processes = 3;
  StoppingRule rule = ConfirmationRule(5);
};
std::vector<ShapeSamples> Simulate(const NoiseModel& model, const SimulatedComparison& comparison, uint64_t seed);

// How `times` simulated confirmations ended.
struct Tally {
  int faster = 0, slower = 0, same = 0, cannot_tell = 0, noisy = 0;
  int covered = 0;   // the interval holds the true speedup
  double width = 0;  // mean width of the interval
  double quads = 0;  // mean number of quads a process and shape
  int Estimated() const { return faster + slower + same + cannot_tell; }
};
Tally Repeat(const NoiseModel& model, const SimulatedComparison& comparison, int times, uint64_t seed);

// A run: `candidates` that are all equally fast are screened; then, as a run does it, the luckiest is confirmed, and up
// to two more as long as their screening leaves hope that they are better than what was confirmed.
struct ManyCandidates {
  int candidates = 50;
  StoppingRule screening = CudaScreening();
  SimulatedComparison confirmation;
};
struct ManyTally {
  int winners = 0;      // runs that report a faster one
  double screened = 0;  // mean of the luckiest screening / truth - 1
  double reported = 0;  // the same of what is reported, over the runs that report one
  double most = 0;      // its largest
  int covered = 0;      // the reported interval holds the truth
};
ManyTally RepeatRuns(const NoiseModel& model, const ManyCandidates& many, int times, uint64_t seed);

}  // namespace kopt
