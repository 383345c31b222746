// A space of which every figure is known, recorded from a machine or made up: what bench/search_replay.cc replays.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/search/random.h"
#include "agent/search/search.h"
#include "agent/search/space.h"

namespace kopt {

// One screening of a configuration, of 8 quads.
struct Screened {
  double log_speedup = 0;
  double deviation = 0;  // standard error of log_speedup
};

struct ReplaySpace {
  std::string name;
  Space space;
  // Of the configurations that are correct and whose speed could be told. A recorded space has the mean of a
  // configuration's screenings, weighted by their variances.
  std::map<Point, double> log_speedups;
  // What a search sees is drawn from these; of a space that was made up there are none, and it sees `log_speedups` with
  // normal noise.
  std::map<Point, std::vector<Screened>> screened;
  std::set<Point> too_noisy;  // correct, but their speed could never be told
  double noise = 0;           // of log_speedups that were made up: standard deviation of what a search sees
};

double Normal(Random& random);  // standard deviation 1, by the sum of 12 uniform numbers

// A file of bench/record_space.cc in which every configuration was screened.
Result<ReplaySpace> ReadRecordedSpace(const std::string& file);

// Spaces with the structure of kernels: register and cache blocking that interact, cliffs where a resource runs out,
// configurations that fail. 0.1 % to 5 % of their points are within 5 % of the best.
std::vector<ReplaySpace> SyntheticSpaces();

}  // namespace kopt
