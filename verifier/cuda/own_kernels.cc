#include "verifier/cuda/own_kernels.h"

#include <algorithm>

namespace kopt::worker {

Stretch StretchOf(CUdeviceptr begin, CUdeviceptr end) {
  if (end <= begin) return {};
  Stretch stretch{.at = begin / 8 * 8};
  stretch.words = (end + 7 - stretch.at) / 8;
  stretch.first_mask = ~uint64_t{0} << (8 * (begin % 8));
  if (end % 8 != 0) stretch.last_mask = ~uint64_t{0} >> (8 * (8 - end % 8));
  return stretch;
}

OwnKernels::OwnKernels(const Device& device, std::string cubin)
    : device_(device),
      module_(device, std::move(cubin)),
      sms_(static_cast<unsigned>(device.Attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT))),
      most_blocks_(sms_ * 4),
      shared_(static_cast<unsigned>(device.Attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN))),
      snapshot_(module_.Function("kopt_snapshot")),
      empty_(module_.Function("kopt_empty")),
      clean_(Mapping::Create(device, 2 * static_cast<size_t>(device.Attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)))),
      small_(Mapping::Create(device, 64)) {
  device_.Check(device_.driver().cuMemsetD8(clean_.address(), 0, clean_.bytes()), "clean memory");
  clean_.Protect(device_);
  module_.AllowShared("kopt_scrub", shared_);
}

void OwnKernels::Restore(CUdeviceptr variables, uint32_t count) {
  if (count == 0) return;
  device_.Launch(module_.Function("kopt_restore"), {.blocks = std::min(count, most_blocks_), .threads = 256}, variables,
                 count);
}

void OwnKernels::CompareImage(CUdeviceptr variables, uint32_t count, CUdeviceptr damage) {
  if (count == 0) return;
  device_.Launch(module_.Function("kopt_compare_image"), {.blocks = std::min(count, most_blocks_), .threads = 256},
                 variables, count, damage);
}

void OwnKernels::Scrub(uint64_t seed) {
  device_.Launch(module_.Function("kopt_scrub"), {.blocks = sms_, .threads = 1024, .shared = shared_}, seed,
                 shared_ / 4, small_.address());
}

void OwnKernels::Read(CUdeviceptr at, size_t bytes) {
  device_.Launch(module_.Function("kopt_read"), {.blocks = most_blocks_, .threads = 512}, at, uint64_t{bytes / 16},
                 small_.address());
}

void OwnKernels::Empty() { device_.Launch(empty_, {.blocks = 1, .threads = 32}); }

double OwnKernels::Clock() {
  device_.Launch(module_.Function("kopt_clock"), {.blocks = 1, .threads = 32}, uint64_t{20000}, small_.address());
  device_.Synchronise();
  uint64_t out[2] = {};
  device_.Check(device_.driver().cuMemcpyDtoH(out, small_.address(), sizeof(out)), "the clock");
  return static_cast<double>(out[0]) / static_cast<double>(std::max<uint64_t>(out[1], 1)) * 1e3;
}

}  // namespace kopt::worker
