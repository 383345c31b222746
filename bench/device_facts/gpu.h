// A device with the kernels of kernels.cu loaded: what the facts are found out with.
#pragma once

#include <string>
#include <vector>

#include "verifier/cuda/driver.h"

namespace kopt::facts {

class Gpu {
 public:
  Gpu();  // compiles for device 0; ends the program with a message where there is none

  const Driver& driver() const { return driver_; }
  int sms() const { return Attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT); }
  size_t l2() const { return static_cast<size_t>(Attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)); }
  int Attribute(CUdevice_attribute attribute) const;
  const std::string& cubin() const { return cubin_; }
  CUmodule module() const { return module_; }
  CUstream stream() const { return stream_; }
  CUfunction Function(const char* name) const;

  // Throws DriverError.
  void Check(CUresult result, const char* what = "driver") const { kopt::Check(driver_, result, what); }
  CUdeviceptr Allocate(size_t bytes, int fill = 0);
  template <class T>
  T Read(CUdeviceptr from) {
    T value;
    Check(driver_.cuMemcpyDtoH(&value, from, sizeof(value)), "read");
    return value;
  }
  template <class T>
  void Write(CUdeviceptr to, const T& value) {
    Check(driver_.cuMemcpyHtoD(to, &value, sizeof(value)), "write");
  }

  template <class... Args>
  void Launch(const char* name, unsigned grid, unsigned block, unsigned shared, Args... args) {
    void* pointers[] = {&args..., nullptr};
    LaunchWith(name, grid, block, shared, pointers);
  }
  void Synchronise() { Check(driver_.cuStreamSynchronize(stream_), "synchronise"); }

 private:
  void LaunchWith(const char* name, unsigned grid, unsigned block, unsigned shared, void** args);

  Driver driver_;
  std::string cubin_;
  CUcontext context_ = nullptr;
  CUmodule module_ = nullptr;
  CUstream stream_ = nullptr;
};

// Memory with an address range of its own: mapped for the device, with unmapped neighbours.
struct Mapping {
  CUdeviceptr address = 0;
  size_t bytes = 0;
  CUmemGenericAllocationHandle handle = 0;
};
Mapping Map(Gpu& gpu, size_t bytes, CUmemAccess_flags access, bool exportable = false);

// Seconds since some moment.
double Now();

// Microseconds between two events around what `launch` puts into the stream, which is blocked until all of it is there.
class BlockedTimer {
 public:
  explicit BlockedTimer(Gpu& gpu);
  template <class Launch>
  double Time(const Launch& launch) {
    Begin();
    launch();
    return End();
  }

 private:
  void Begin();
  double End();
  Gpu& gpu_;
  volatile unsigned* flag_ = nullptr;
  CUdeviceptr flag_address_ = 0;
  unsigned value_ = 0;
  CUevent start_ = nullptr, stop_ = nullptr;
};

struct Quartiles {
  double low = 0, median = 0, high = 0;
};
Quartiles QuartilesOf(std::vector<double> values);

// The facts, one section each. Every one runs in a process of its own.
void Variables();
void Residue();
void Flushes();
void Traps();
void Copies();
void KillEndless();
void ClockRamp();
void Dependents();
void Events();
void Code();
void Sharing();
void Costs();
void TensorStores();

}  // namespace kopt::facts
