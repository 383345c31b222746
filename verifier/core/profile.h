// What a profile says of a candidate, in a dozen lines that name what bounds it: the same for a model and for people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kopt {

// A unit of the device that can be the one that bounds a kernel.
struct UnitUse {
  std::string unit;  // "tensor cores"
  double busy = 0;   // of what it could do in the kernel's time: 0 to 1
};

// One kernel of a call; all its launches together.
struct KernelProfile {
  std::string name;
  int launches = 1;
  double seconds = 0;
  double hertz = 0;  // of the multiprocessors' clock while it ran
  std::vector<UnitUse> units;
  double active = 0;           // the part of the time in which a multiprocessor had work, on average: 0 to 1
  double warps = 0;            // resident while there was work, of those that there is room for: 0 to 1
  double blocks = 0;           // of a launch
  double resident_blocks = 0;  // that fit a multiprocessor
  double most_warps = 0;       // of a multiprocessor
  double resident_warps = 0;   // where resident_blocks are resident
  std::string limit;           // what ends first when blocks fill a multiprocessor: "registers"
  double dram_read = 0, dram_written = 0;              // bytes
  double l2_bytes = 0, l2_read = 0, l2_read_hits = 0;  // bytes between the multiprocessors and L2; hits among the read
  double shared_wavefronts = 0, bank_conflicts = 0;    // of shared memory
  double load_sectors = 0, store_sectors = 0;          // 32 bytes each, a request of a warp to global memory
  double local_bytes = 0;                              // loaded and stored
};

// Where warps were when they were sampled.
struct LineSamples {
  std::string kernel;
  int line = 0;                           // of the candidate; 0: not known
  std::map<std::string, uint64_t> waits;  // samples by reason, as CUPTI names them; "selected": it issues
};

struct CallProfile {
  std::string shape;
  std::vector<KernelProfile> kernels;  // in order of their first launch
  std::vector<LineSamples> lines;
  double needed_read = 0, needed_written = 0;  // bytes that the task cannot do without
};

// Launches of the same kernel become one: times and bytes added, the rest averaged by time.
std::vector<KernelProfile> MergeLaunches(const std::vector<KernelProfile>& launches);

// "bound by tensor cores (91 % busy)"; where no unit is busy, what keeps it waiting.
std::string BottleneckOf(const KernelProfile& kernel, const std::vector<LineSamples>& lines);

// `source`: the candidate's text, whose hottest lines are quoted. Details of the kernel that takes most of the time;
// a line for others.
std::vector<std::string> ProfileLines(const CallProfile& call, std::string_view source);

}  // namespace kopt
