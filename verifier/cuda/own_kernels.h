// kopt's own kernels (worker_kernels.cu) as functions that put them into the device's stream.
#pragma once

#include "verifier/cuda/device.h"

namespace kopt::worker {

// The structs of worker_kernels.cu.
struct Stretch {
  CUdeviceptr at = 0;
  uint64_t words = 0;
  uint64_t first_mask = ~uint64_t{0}, last_mask = ~uint64_t{0};
};
struct Pattern {
  uint64_t seed = 0, keep = 0, set = 0, origin = 0;
};
struct Variable {  // or a part of one
  CUdeviceptr at = 0, image = 0;
  uint64_t bytes = 0;
};

struct Layout {
  static constexpr size_t kMostRank = 16;
  uint64_t elements = 0, span = 0;
  uint32_t rank = 0, width = 0;
  uint64_t extent[kMostRank] = {}, stride[kMostRank] = {};
};

inline constexpr unsigned kSnapshotWords = 256;

// The bytes [begin, end) as a stretch.
Stretch StretchOf(CUdeviceptr begin, CUdeviceptr end);

class OwnKernels {
 public:
  OwnKernels(const Device& device, std::string cubin);

  void Fill(const Stretch& to, const Pattern& pattern) { Spread("kopt_fill", to.words, to, pattern); }
  void CheckFill(const Stretch& from, const Pattern& pattern, CUdeviceptr damage) {
    Spread("kopt_check", from.words, from, pattern, damage);
  }
  void Copy(const Stretch& to, CUdeviceptr from, bool complement) {
    Spread("kopt_copy", to.words, to, from, complement ? ~uint64_t{0} : uint64_t{0});
  }
  void Digest(const Stretch& from, uint64_t key, CUdeviceptr sum) { Spread("kopt_digest", from.words, from, key, sum); }
  void DigestElements(CUdeviceptr from, const Layout& layout, uint64_t key, CUdeviceptr sum) {
    Spread("kopt_digest_elements", layout.elements, from, layout, key, sum);
  }
  // `map`: a byte for each element of the span, 0 before.
  void MarkElements(const Layout& layout, CUdeviceptr map) {
    Spread("kopt_mark_elements", layout.elements, layout, map);
  }
  void CheckGaps(CUdeviceptr from, CUdeviceptr map, const Layout& layout, uint32_t skew, const Pattern& pattern,
                 CUdeviceptr damage) {
    Spread("kopt_check_gaps", layout.span, from, map, layout.span, layout.width, skew, pattern, damage);
  }
  void CompareGaps(CUdeviceptr from, CUdeviceptr original, CUdeviceptr map, const Layout& layout, CUdeviceptr damage) {
    Spread("kopt_compare_gaps", layout.span, from, original, map, layout.span, layout.width, damage);
  }
  // Copies kSnapshotWords words of a stretch, drawn by `seed`; CompareSnapshot adds the number that changed since.
  void Snapshot(const Stretch& from, uint64_t seed, CUdeviceptr to) {
    device_.Launch(snapshot_, {.blocks = 1, .threads = kSnapshotWords}, from, seed, to);
  }
  void CompareSnapshot(const Stretch& from, uint64_t seed, CUdeviceptr copied, CUdeviceptr changed) {
    device_.Launch(module_.Function("kopt_compare_snapshot"), {.blocks = 1, .threads = kSnapshotWords}, from, seed,
                   copied, changed);
  }
  // Adds the number of words in which two copies differ.
  void CompareSnapshots(CUdeviceptr one, CUdeviceptr other, CUdeviceptr changed) {
    device_.Launch(module_.Function("kopt_compare_snapshots"), {.blocks = 1, .threads = kSnapshotWords}, one, other,
                   changed);
  }
  void Restore(CUdeviceptr variables, uint32_t count);
  void CompareImage(CUdeviceptr variables, uint32_t count, CUdeviceptr damage);
  // Overwrites shared memory and registers of every multiprocessor.
  void Scrub(uint64_t seed);
  // Reads whole pages.
  void Read(CUdeviceptr at, size_t bytes);
  // Reads twice the L2 cache's size of memory that nobody else uses.
  void Flush() { Read(clean_.address(), clean_.bytes()); }
  void Empty();
  // Megahertz of a multiprocessor's clock, over about 10 us. Waits for the device.
  double Clock();

 private:
  template <class... Args>
  void Spread(const char* name, uint64_t count, Args... args) {
    if (count == 0) return;
    const auto blocks = static_cast<unsigned>(std::min<uint64_t>((count + 511) / 512, most_blocks_));
    device_.Launch(module_.Function(name), {.blocks = blocks, .threads = 512}, args...);
  }

  const Device& device_;
  Module module_;
  unsigned sms_, most_blocks_, shared_;
  CUfunction snapshot_, empty_;  // launched behind a blocked stream
  Mapping clean_, small_;
};

}  // namespace kopt::worker
