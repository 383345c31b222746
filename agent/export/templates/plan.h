// The steps of a plan on a device: the rules of launches and tensor maps, and what goes into the stream. Written by
// kopt.
#pragma once

#include <cuda.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <mutex>
#include <string>

#include "checked.h"
#include "device.h"

namespace {

// How one step runs.
struct Launch {
  CUfunction function;
  const char* name;
  Extents grid = {1, 1, 1}, block = {1, 1, 1};
  Extents cluster = {0, 0, 0};  // in blocks; 0: none
  long long smem = 0;           // bytes of dynamic shared memory
  bool cooperative = false, dependent = false;
};

// What a plan says of a tensor map beside its extents.
struct MapKind {
  const char* name;    // of the tensor map
  const char* tensor;  // that it describes
  CUtensorMapDataType type;
  CUtensorMapSwizzle swizzle;
  CUtensorMapL2promotion promotion;
  CUtensorMapFloatOOBfill fill;
  long long element;   // bytes
  long long box_most;  // bytes that the innermost extent of the box may have
};

// The plan as it is evaluated for one call: its integers, and the rules of the device for launches and tensor maps.
class Plan : public Checked {
 public:
  Plan(const Device& device, CUstream stream) : device_(device), stream_(stream) {}

  long long sms() const { return device_.sms; }
  long long shared_memory() const { return device_.shared_memory; }

  // ---- occupancy ----

  // False, and a fault, if the occupancy of this kernel is already being asked for.
  bool Enter(CUfunction function, const char* name) {
    const auto end = open_.begin() + depth_;
    if (std::find(open_.begin(), end, function) != end) Fail("occupancy(" + std::string(name) + ") is circular");
    if (depth_ == open_.size()) Fail("more than 16 occupancies use one another");
    if (fault.empty()) open_[depth_++] = function;
    return fault.empty();
  }
  void Leave() { --depth_; }
  long long Occupancy(Launch launch, std::initializer_list<long long> block, long long smem) {
    Block(launch, block, smem);
    return Resident(launch);
  }

  // ---- launches ----

  // Whether it has any blocks: a step with none is left out.
  bool Grid(Launch& launch, std::initializer_list<long long> extents) {
    Take(launch, extents, "grid", 0, device_.grid, launch.grid);
    return fault.empty() && Product(launch.grid) > 0;
  }
  void Block(Launch& launch, std::initializer_list<long long> extents, long long smem) {
    Take(launch, extents, "block", 1, device_.block, launch.block);
    if (fault.empty() && Product(launch.block) > device_.block_threads)
      Refuse(launch, "the block",
             std::to_string(Product(launch.block)) + " threads; at most " + std::to_string(device_.block_threads) +
                 " are possible");
    launch.smem = smem;
    if (smem < 0 || smem > device_.shared_memory)
      Refuse(launch, "the smem",
             std::to_string(smem) + " bytes; it must be 0 to " + std::to_string(device_.shared_memory));
  }
  void Cluster(Launch& launch, std::initializer_list<long long> extents) {
    const long long most = device_.cluster_blocks;
    launch.cluster = {1, 1, 1};
    Take(launch, extents, "cluster", 1, {most, most, most}, launch.cluster);
    if (!fault.empty()) return;
    if (Product(launch.cluster) > most)
      Refuse(launch, "the cluster",
             std::to_string(Product(launch.cluster)) + " blocks; at most " + std::to_string(most) + " are possible");
    for (std::size_t i = 0; i < 3; ++i) {
      if (launch.grid[i] % launch.cluster[i] != 0)
        Refuse(launch, "the grid",
               "the extent " + std::to_string(launch.grid[i]) + " in " + "xyz"[i] +
                   ", not a multiple of its cluster's " + std::to_string(launch.cluster[i]));
    }
  }

  // Before the first step is taken: looks at what the kernel itself needs and at the launches before it, and allows it
  // the shared memory and the clusters of this launch.
  void Admit(const Launch& launch) {
    if (launch.dependent && !launched_)
      Refuse(launch, "the first launch that runs here", "`pdl`, which it cannot have");
    launched_ = true;
    if (!fault.empty()) return;
    const long long threads = Attribute(launch, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    if (Product(launch.block) > threads)
      Refuse(launch, "the block",
             std::to_string(Product(launch.block)) + " threads; its registers allow " + std::to_string(threads));
    const long long fixed = Attribute(launch, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
    if (launch.smem + fixed > device_.shared_memory)
      Refuse(launch, "the smem",
             std::to_string(launch.smem) + " bytes, and its variables " + std::to_string(fixed) +
                 ", together more than " + std::to_string(device_.shared_memory));
    if (!fault.empty()) return;
    AllowShared(launch);
    if (launch.cooperative) CheckCooperative(launch);
    if (Product(launch.cluster) > kPortableCluster) Set(launch, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1);
  }

  // Puts the step into the stream. Each argument has the type of the kernel's parameter.
  template <class... Arguments>
  void Start(const Launch& launch, const Arguments&... arguments) {
    void* pointers[] = {const_cast<void*>(static_cast<const void*>(&arguments))..., nullptr};
    std::array<CUlaunchAttribute, 3> attributes = {};
    CUlaunchConfig config = {};
    config.attrs = attributes.data();
    const auto add = [&](CUlaunchAttributeID id) -> CUlaunchAttributeValue& {
      CUlaunchAttribute& attribute = attributes[config.numAttrs++];
      attribute.id = id;
      return attribute.value;
    };
    const auto narrow = [](long long value) { return static_cast<unsigned>(value); };
    if (launch.cluster[0] > 0)
      add(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION).clusterDim = {narrow(launch.cluster[0]), narrow(launch.cluster[1]),
                                                               narrow(launch.cluster[2])};
    if (launch.cooperative) add(CU_LAUNCH_ATTRIBUTE_COOPERATIVE).cooperative = 1;
    if (launch.dependent)
      add(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION).programmaticStreamSerializationAllowed = 1;
    config.gridDimX = narrow(launch.grid[0]);
    config.gridDimY = narrow(launch.grid[1]);
    config.gridDimZ = narrow(launch.grid[2]);
    config.blockDimX = narrow(launch.block[0]);
    config.blockDimY = narrow(launch.block[1]);
    config.blockDimZ = narrow(launch.block[2]);
    config.sharedMemBytes = narrow(launch.smem);
    config.hStream = stream_;
    Expect(cuLaunchKernelEx(&config, launch.function, pointers, nullptr), launch.name);
  }
  void Zero(CUdeviceptr address, std::size_t bytes, const char* name) {
    Expect(cuMemsetD8Async(address, 0, bytes, stream_), name);
  }

  // ---- tensor maps ----

  // Lists are outermost first, as the plan has them; without `strides` the elements are dense, without `step` it is 1.
  // `bytes`: what the tensor or scratch has.
  void Map(CUtensorMap& map, const MapKind& kind, CUdeviceptr address, std::size_t bytes,
           std::initializer_list<long long> dims, std::initializer_list<long long> box,
           std::initializer_list<long long> strides, std::initializer_list<long long> step) {
    const std::size_t rank = dims.size();
    std::array<cuuint64_t, 5> extents = {}, gaps = {};
    std::array<cuuint32_t, 5> boxes = {}, steps = {1, 1, 1, 1, 1};
    Reverse(kind, dims, "dim", 1LL << 32, extents);
    Reverse(kind, box, "box extent", 256, boxes);
    Reverse(kind, step, "step", 8, steps);
    long long dense = 1, reach = kind.element, inside = kind.element;  // the latter in bytes
    for (std::size_t i = 0; i < rank && fault.empty(); ++i) {
      const auto extent = static_cast<long long>(extents[i]);
      const long long stride = i == 0 || strides.size() == 0 ? dense : *(strides.end() - i);
      const long long gap = Mul(stride, kind.element);
      if (i > 0 && (stride < 0 || gap >= 1LL << 40 || gap % kGranule != 0))
        Refuse(kind, "a stride of " + std::to_string(stride) + " elements of " + std::to_string(kind.element) +
                         " bytes; in bytes it must be a multiple of 16 from 0 to below 2^40");
      if (i > 0) gaps[i - 1] = static_cast<cuuint64_t>(gap);
      reach = Add(reach, Mul(gap, extent - 1));
      dense = Mul(dense, extent);
      inside *= (boxes[i] + steps[i] - 1) / steps[i];
    }
    if (fault.empty() && reach > static_cast<long long>(bytes))
      Refuse(kind, "its dims and strides reach over " + std::to_string(reach) + " bytes; " + kind.tensor + " has " +
                       std::to_string(bytes));
    const long long inner = boxes[0] * kind.element;
    if (inner % kGranule != 0 || inner > kind.box_most)
      Refuse(kind, "the innermost extent of the box has " + std::to_string(inner) +
                       " bytes; it must be a multiple of 16, at most " + std::to_string(kind.box_most));
    if (steps[0] != 1) Refuse(kind, "the innermost step is " + std::to_string(steps[0]) + "; it must be 1");
    if (inside > device_.shared_memory)
      Refuse(kind, "its box has " + std::to_string(inside) + " bytes; the shared memory of a block has " +
                       std::to_string(device_.shared_memory));
    if (!fault.empty()) return;
    Expect(cuTensorMapEncodeTiled(&map, kind.type, static_cast<cuuint32_t>(rank), reinterpret_cast<void*>(address),
                                  extents.data(), gaps.data(), boxes.data(), steps.data(),
                                  CU_TENSOR_MAP_INTERLEAVE_NONE, kind.swizzle, kind.promotion, kind.fill),
           kind.name);
  }

 private:
  static constexpr long long kGranule = 16;         // bytes: strides and the innermost of a box are multiples
  static constexpr long long kPortableCluster = 8;  // blocks

  static long long Product(const Extents& extents) { return extents[0] * extents[1] * extents[2]; }

  void Refuse(const Launch& launch, const std::string& what, const std::string& has) {
    Fail(what + " of `" + launch.name + "` has " + has);
  }
  void Refuse(const MapKind& kind, const std::string& what) {
    Fail("tensormap `" + std::string(kind.name) + "`: " + what);
  }
  void Expect(CUresult result, const char* name) {
    if (result != CUDA_SUCCESS) Fail("the driver does not take `" + std::string(name) + "`: " + Words(result));
  }

  void Take(const Launch& launch, std::initializer_list<long long> from, const char* what, long long least,
            const Extents& most, Extents& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      to[i] = *(from.begin() + i);
      if (to[i] >= least && to[i] <= most[i]) continue;
      Refuse(launch, std::string("the ") + what,
             "the extent " + std::to_string(to[i]) + " in " + "xyz"[i] + "; it must be " + std::to_string(least) +
                 " to " + std::to_string(most[i]));
    }
  }

  template <class T>
  void Reverse(const MapKind& kind, std::initializer_list<long long> from, const char* what, long long most,
               std::array<T, 5>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      const long long value = *(from.end() - 1 - i);
      if (value < 1 || value > most)
        Refuse(kind,
               std::string("a ") + what + " of " + std::to_string(value) + "; it must be 1 to " + std::to_string(most));
      to[i] = static_cast<T>(value);
    }
  }

  void CheckCooperative(const Launch& launch) {
    const long long most = Resident(launch) * device_.sms;
    if (Product(launch.grid) > most)
      Refuse(launch, "the cooperative grid",
             std::to_string(Product(launch.grid)) + " blocks; the device runs " + std::to_string(most) + " at once");
  }

  // Blocks of this block and smem that a multiprocessor holds.
  long long Resident(const Launch& launch) {
    int blocks = 0;
    if (!fault.empty()) return 0;
    AllowShared(launch);
    Expect(
        cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, launch.function, static_cast<int>(Product(launch.block)),
                                                    static_cast<std::size_t>(launch.smem)),
        launch.name);
    return blocks;
  }
  // Raises the most that the kernel may have, and never lowers it: another thread may be about to launch with more.
  // Without leave, its variables and what is dynamic may have 48 KiB together.
  void AllowShared(const Launch& launch) {
    static std::mutex one_at_a_time;
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    const long long allowed = Attribute(launch, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
    if (launch.smem > allowed || launch.smem + Attribute(launch, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES) > 48 << 10)
      Set(launch, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, std::max(launch.smem, allowed));
  }
  long long Attribute(const Launch& launch, CUfunction_attribute which) {
    int value = 0;
    Expect(cuFuncGetAttribute(&value, which, launch.function), launch.name);
    return value;
  }
  void Set(const Launch& launch, CUfunction_attribute which, long long value) {
    Expect(cuFuncSetAttribute(launch.function, which, static_cast<int>(value)), launch.name);
  }

  const Device& device_;
  CUstream stream_;
  bool launched_ = false;
  std::array<CUfunction, 16> open_ = {};  // kernels whose occupancy is being asked for
  std::size_t depth_ = 0;                 // how many of them
};

}  // namespace
