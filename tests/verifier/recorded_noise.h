// What real machines did while equal kernels were timed against each other: bench/record_noise.cc writes it, the
// acceptance rule is tried on it.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "verifier/core/verdict.h"

namespace kopt {

struct RecordedNoise {
  std::string name;
  double batch_seconds = 0;  // of one batch
  double pause_seconds = 0;  // of the clock between two batches
  // Each with the quads of one process, a quad's times as they followed each other in the places of ABBA. They are
  // relative to their median in that process; A and B ran the same code.
  std::vector<std::vector<Quad>> processes;
};

// Of format 1:
//   {"format": 1, "name": ..., "batch_seconds": ..., "pause_seconds": ..., "processes": [[[a1, b1, b2, a2], ...], ...]}
// with times in millionths of that median. Errors (exit 2): another format, a process with fewer than 3 quads.
Result<RecordedNoise> ReadRecordedNoise(const std::string& file);
// Every recording of a folder, by file name; none where there is no such folder.
Result<std::vector<RecordedNoise>> ReadRecordings(const std::string& folder);
std::string RecordingText(const RecordedNoise& noise);
// A quad BAAB with its times in the places of ABBA, or back.
Quad WithSidesSwapped(const Quad& quad);
// Of one process, in seconds, as RecordedNoise has them.
std::vector<Quad> RelativeToMedian(const std::vector<Quad>& quads);

}  // namespace kopt
