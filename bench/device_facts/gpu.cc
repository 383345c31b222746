#include "bench/device_facts/gpu.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "verifier/cuda/nvrtc.h"

namespace kopt {
extern const std::string_view kFactKernels;
}

namespace kopt::facts {
namespace {

[[noreturn]] void End(const Error& error) {
  fmt::print(stderr, "{}\n", error.Text());
  std::exit(3);
}

std::string Compile(int capability) {
  const char* home = std::getenv("CUDA_HOME");
  const std::string toolkit = home != nullptr ? home : "/usr/local/cuda";
  auto nvrtc = Nvrtc::Load(toolkit + "/lib64/libnvrtc.so");
  if (!nvrtc) End(nvrtc.error());
  nvrtcProgram program = nullptr;
  nvrtc->nvrtcCreateProgram(&program, std::string(kFactKernels).c_str(), "kernels.cu", 0, nullptr, nullptr);
  const std::string arch = fmt::format("--gpu-architecture=sm_{}{}", capability, capability >= 90 ? "a" : "");
  const std::string include = "-I" + toolkit + "/include";
  const char* options[] = {arch.c_str(), "--std=c++20", include.c_str()};
  if (nvrtc->nvrtcCompileProgram(program, 3, options) != NVRTC_SUCCESS) {
    size_t size = 0;
    nvrtc->nvrtcGetProgramLogSize(program, &size);
    std::string log(size, ' ');
    nvrtc->nvrtcGetProgramLog(program, log.data());
    End({.message = "the kernels do not compile:\n" + log});
  }
  size_t size = 0;
  nvrtc->nvrtcGetCUBINSize(program, &size);
  std::string cubin(size, '\0');
  nvrtc->nvrtcGetCUBIN(program, cubin.data());
  return cubin;
}

}  // namespace

Gpu::Gpu() {
  auto driver = Driver::Load();
  if (!driver) End(driver.error());
  driver_ = *driver;
  Check(driver_.cuInit(0), "cuInit");
  Check(driver_.cuDevicePrimaryCtxRetain(&context_, 0), "context");
  Check(driver_.cuCtxSetCurrent(context_), "context");
  Check(driver_.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING), "stream");
  const int capability = 10 * Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
                         Attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  cubin_ = Compile(capability);
  Check(driver_.cuModuleLoadDataEx(&module_, cubin_.data(), 0, nullptr, nullptr), "module");
}

int Gpu::Attribute(CUdevice_attribute attribute) const {
  int value = 0;
  Check(driver_.cuDeviceGetAttribute(&value, attribute, 0), "attribute");
  return value;
}

CUfunction Gpu::Function(const char* name) const {
  CUfunction function = nullptr;
  Check(driver_.cuModuleGetFunction(&function, module_, name), name);
  return function;
}

CUdeviceptr Gpu::Allocate(size_t bytes, int fill) {
  CUdeviceptr address = 0;
  Check(driver_.cuMemAlloc(&address, bytes), "allocate");
  Check(driver_.cuMemsetD8(address, static_cast<unsigned char>(fill), bytes), "fill");
  return address;
}

void Gpu::LaunchWith(const char* name, unsigned grid, unsigned block, unsigned shared, void** args) {
  const CUfunction function = Function(name);
  if (shared > 48 * 1024)
    Check(
        driver_.cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, static_cast<int>(shared)),
        name);
  const CUlaunchConfig config{.gridDimX = grid,
                              .gridDimY = 1,
                              .gridDimZ = 1,
                              .blockDimX = block,
                              .blockDimY = 1,
                              .blockDimZ = 1,
                              .sharedMemBytes = shared,
                              .hStream = stream_,
                              .attrs = nullptr,
                              .numAttrs = 0};
  Check(driver_.cuLaunchKernelEx(&config, function, args, nullptr), name);
}

Mapping Map(Gpu& gpu, size_t bytes, CUmemAccess_flags access, bool exportable) {
  const Driver& driver = gpu.driver();
  CUmemAllocationProp prop{};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.location = {CU_MEM_LOCATION_TYPE_DEVICE, {0}};
  if (exportable) prop.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  size_t unit = 0;
  gpu.Check(driver.cuMemGetAllocationGranularity(&unit, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM), "granularity");
  Mapping mapping;
  mapping.bytes = (bytes + unit - 1) / unit * unit;
  CUdeviceptr range = 0;
  gpu.Check(driver.cuMemAddressReserve(&range, mapping.bytes + 2 * unit, 0, 0, 0), "reserve");
  mapping.address = range + unit;
  gpu.Check(driver.cuMemCreate(&mapping.handle, mapping.bytes, &prop, 0), "create");
  gpu.Check(driver.cuMemMap(mapping.address, mapping.bytes, 0, mapping.handle, 0), "map");
  const CUmemAccessDesc desc{.location = {CU_MEM_LOCATION_TYPE_DEVICE, {0}}, .flags = access};
  gpu.Check(driver.cuMemSetAccess(mapping.address, mapping.bytes, &desc, 1), "access");
  return mapping;
}

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

BlockedTimer::BlockedTimer(Gpu& gpu) : gpu_(gpu) {
  void* host = nullptr;
  gpu.Check(gpu.driver().cuMemAllocHost(&host, 4096), "pinned memory");
  flag_ = static_cast<volatile unsigned*>(host);
  *flag_ = 0;
  gpu.Check(gpu.driver().cuMemHostGetDevicePointer(&flag_address_, host, 0), "pinned memory");
  gpu.Check(gpu.driver().cuEventCreate(&start_, CU_EVENT_DEFAULT), "event");
  gpu.Check(gpu.driver().cuEventCreate(&stop_, CU_EVENT_DEFAULT), "event");
}

void BlockedTimer::Begin() {
  gpu_.Check(gpu_.driver().cuStreamWaitValue32(gpu_.stream(), flag_address_, ++value_, CU_STREAM_WAIT_VALUE_EQ),
             "wait");
  gpu_.Check(gpu_.driver().cuEventRecord(start_, gpu_.stream()), "event");
}

double BlockedTimer::End() {
  gpu_.Check(gpu_.driver().cuEventRecord(stop_, gpu_.stream()), "event");
  *flag_ = value_;
  gpu_.Synchronise();
  float milliseconds = 0;
  gpu_.Check(gpu_.driver().cuEventElapsedTime(&milliseconds, start_, stop_), "elapsed");
  return milliseconds * 1e3;
}

Quartiles QuartilesOf(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return {values[n / 4], values[n / 2], values[n * 3 / 4]};
}

}  // namespace kopt::facts
