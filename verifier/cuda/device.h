// A device as a worker sees it: one context, one stream, memory in mappings of its own. Used in workers only; failed
// calls of the driver throw DriverError.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "verifier/cuda/driver.h"

namespace kopt::worker {

// What a device is and what bounds a candidate's plan; one struct for worker and kopt: Json() and device_info.h.
nlohmann::json DeviceFacts(const Driver& driver, CUdevice device);

// 64 bits from the kernel's random source: nothing that a candidate can read says anything of them.
uint64_t SecretWord();

// Work on the device did not end in time. The worker is of no more use.
struct DeadlinePassed {};

class Device {
 public:
  // The context of device number `ordinal`. Throws DriverError: an exclusive device in use, no memory.
  Device(const Driver& driver, int ordinal);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Driver& driver() const { return driver_; }
  CUdevice device() const { return device_; }
  CUcontext context() const { return context_; }
  CUstream stream() const { return stream_; }
  int Attribute(CUdevice_attribute attribute) const;
  void Check(CUresult result, const char* what) const { kopt::Check(driver_, result, what); }

  struct Grid {
    unsigned blocks = 1, threads = 1, shared = 0;
  };
  // Launches into the stream.
  template <class... Args>
  void Launch(CUfunction function, Grid grid, Args... args) const {
    void* pointers[] = {&args..., nullptr};
    LaunchWith(function, grid, pointers);
  }
  void Synchronise() const { Check(driver_.cuStreamSynchronize(stream_), "waiting for the device"); }
  // The same, at most `seconds`. Throws DeadlinePassed.
  void Await(double seconds) const;

 private:
  void LaunchWith(CUfunction function, Grid grid, void** args) const;

  const Driver& driver_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
};

// Device memory in an address range of its own, at a place nobody can know, with unmapped neighbours. Move-only.
class Mapping {
 public:
  enum class Access { kRead, kReadWrite };
  Mapping() = default;
  // At least `bytes` new bytes that other processes can map.
  static Mapping Create(const Device& device, size_t bytes);
  // What another process exported; `bytes` is the size of its mapping. The descriptor stays the caller's.
  static Mapping Import(const Device& device, int descriptor, size_t bytes, Access access);
  Mapping(Mapping&& other) noexcept { *this = std::move(other); }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { Release(); }

  // The same memory at another place that nobody can know; nothing on the device may be using it.
  void Move(const Device& device);
  // Read-only from now on, also for copies of the driver. Waits until what was written before is there.
  void Protect(const Device& device);

  CUdeviceptr address() const { return address_; }
  size_t bytes() const { return bytes_; }
  // A descriptor for another process; the caller closes it.
  int Export() const;

 private:
  void Map(const Device& device);
  void SetAccess(const Device& device);
  void Release() noexcept;
  const Driver* driver_ = nullptr;
  CUdeviceptr range_ = 0, address_ = 0;
  size_t range_bytes_ = 0, bytes_ = 0;
  CUmemGenericAllocationHandle handle_ = 0;
  Access access_ = Access::kReadWrite;
};

// The size of a mapping that holds `bytes`.
size_t MappingBytes(const Device& device, size_t bytes);

// A loaded cubin.
class Module {
 public:
  Module(const Device& device, std::string cubin);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();
  CUfunction Function(const std::string& name);
  // Lets launches of a kernel have so much dynamic shared memory; less than before changes nothing.
  void AllowShared(const std::string& name, size_t bytes);
  CUmodule get() const { return module_; }
  const std::string& cubin() const { return cubin_; }

 private:
  const Device& device_;
  std::string cubin_;
  CUmodule module_ = nullptr;
  std::map<std::string, CUfunction> functions_;
  std::map<std::string, size_t> shared_;
};

}  // namespace kopt::worker
