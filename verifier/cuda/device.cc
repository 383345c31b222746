#include "verifier/cuda/device.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <thread>

namespace kopt::worker {
namespace {

CUmemAllocationProp Properties(const Device& device) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = device.device();
  properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  return properties;
}

size_t Granularity(const Device& device) {
  const CUmemAllocationProp properties = Properties(device);
  size_t unit = 0;
  device.Check(device.driver().cuMemGetAllocationGranularity(&unit, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
               "the granularity of memory");
  return unit;
}

}  // namespace

uint64_t SecretWord() {
  uint64_t value = 0;
  if (getrandom(&value, sizeof(value), 0) != static_cast<ssize_t>(sizeof(value))) {
    throw std::runtime_error("the system has no random numbers");
  }
  return value;
}

nlohmann::json DeviceFacts(const Driver& driver, CUdevice device) {
  const auto attribute = [&](CUdevice_attribute which) {
    int value = 0;
    Check(driver, driver.cuDeviceGetAttribute(&value, which, device), "an attribute of the device");
    return value;
  };
  char name[256] = {};
  Check(driver, driver.cuDeviceGetName(name, sizeof(name) - 1, device), "the device's name");
  CUuuid uuid{};
  Check(driver, driver.cuDeviceGetUuid(&uuid, device), "the device's id");
  std::string id;
  for (const char byte : uuid.bytes) id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  size_t memory = 0;
  Check(driver, driver.cuDeviceTotalMem(&memory, device), "the device's memory");
  int version = 0;
  driver.cuDriverGetVersion(&version);
  return {{"name", name},
          {"uuid", id},
          {"driver", version},
          {"memory", memory},
          {"major", attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)},
          {"minor", attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)},
          {"sms", attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)},
          {"l2", attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)},
          {"block_threads", attribute(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK)},
          {"block_shared", attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)},
          {"block_registers", attribute(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK)},
          {"block_x", attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X)},
          {"block_y", attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y)},
          {"block_z", attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z)},
          {"grid_x", attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X)},
          {"grid_y", attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y)},
          {"grid_z", attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z)},
          {"compute_mode", attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_MODE)},
          {"virtual_memory", attribute(CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED)},
          {"shares_memory", attribute(CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED)}};
}

Device::Device(const Driver& driver, int ordinal) : driver_(driver) {
  Check(driver_.cuInit(0), "cuInit");
  Check(driver_.cuDeviceGet(&device_, ordinal), "the device");
  Check(driver_.cuDevicePrimaryCtxSetFlags(device_, CU_CTX_SCHED_SPIN), "the context's flags");
  Check(driver_.cuDevicePrimaryCtxRetain(&context_, device_), "a context on the device");
  Check(driver_.cuCtxSetCurrent(context_), "the context");
  Check(driver_.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING), "a stream");
}

Device::~Device() {
  if (stream_ != nullptr) driver_.cuStreamDestroy(stream_);
  if (context_ != nullptr) driver_.cuDevicePrimaryCtxRelease(device_);
}

int Device::Attribute(CUdevice_attribute attribute) const {
  int value = 0;
  Check(driver_.cuDeviceGetAttribute(&value, attribute, device_), "an attribute of the device");
  return value;
}

void Device::LaunchWith(CUfunction function, Grid grid, void** args) const {
  CUlaunchConfig config{};
  config.gridDimX = grid.blocks;
  config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = grid.threads;
  config.blockDimY = config.blockDimZ = 1;
  config.sharedMemBytes = grid.shared;
  config.hStream = stream_;
  Check(driver_.cuLaunchKernelEx(&config, function, args, nullptr), "a kernel of kopt's own");
}

// The driver may need half a second to tell of a fault. So after the deadline it is given a little more, for that only.
void Device::Await(double seconds) const {
  constexpr double kFaultSeconds = 1;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  bool late = false;
  while (true) {
    const CUresult result = driver_.cuStreamQuery(stream_);
    if (result != CUDA_ERROR_NOT_READY) Check(result, "waiting for the device");
    const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    const bool done = result == CUDA_SUCCESS;
    if (done && !late) return;
    if (done || elapsed > seconds + kFaultSeconds) throw DeadlinePassed();
    late = elapsed > seconds;
    if (elapsed > 0.002) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

size_t MappingBytes(const Device& device, size_t bytes) {
  const size_t unit = Granularity(device);
  return std::max<size_t>((bytes + unit - 1) / unit, 1) * unit;
}

Mapping Mapping::Create(const Device& device, size_t bytes) {
  Mapping mapping;
  mapping.bytes_ = MappingBytes(device, bytes);
  const CUmemAllocationProp properties = Properties(device);
  device.Check(device.driver().cuMemCreate(&mapping.handle_, mapping.bytes_, &properties, 0), "device memory");
  mapping.Map(device);
  return mapping;
}

Mapping Mapping::Import(const Device& device, int descriptor, size_t bytes, Access access) {
  Mapping mapping;
  mapping.bytes_ = bytes;
  mapping.access_ = access;
  device.Check(device.driver().cuMemImportFromShareableHandle(
                   &mapping.handle_, reinterpret_cast<void*>(static_cast<intptr_t>(descriptor)),
                   CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
               "memory of another process");
  mapping.Map(device);
  return mapping;
}

// Somewhere in a range that is larger by up to 511 units on either side.
void Mapping::Map(const Device& device) {
  driver_ = &device.driver();
  const size_t unit = Granularity(device);
  const uint64_t random = SecretWord();
  const size_t before = 1 + random % 511;
  const size_t after = 1 + (random >> 32) % 511;
  range_bytes_ = bytes_ + (before + after) * unit;
  device.Check(driver_->cuMemAddressReserve(&range_, range_bytes_, 0, 0, 0), "an address range");
  const CUdeviceptr address = range_ + before * unit;
  device.Check(driver_->cuMemMap(address, bytes_, 0, handle_, 0), "mapping memory");
  address_ = address;
  SetAccess(device);
}

// The new range is taken before the old one is given back: they are different ones.
void Mapping::Move(const Device& device) {
  const CUdeviceptr range = range_, address = address_;
  const size_t range_bytes = range_bytes_;
  Map(device);
  device.Check(driver_->cuMemUnmap(address, bytes_), "unmapping memory");
  device.Check(driver_->cuMemAddressFree(range, range_bytes), "giving an address range back");
}

void Mapping::SetAccess(const Device& device) {
  CUmemAccessDesc desc{};
  desc.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  desc.location.id = device.device();
  desc.flags = access_ == Access::kRead ? CU_MEM_ACCESS_FLAGS_PROT_READ : CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  device.Check(driver_->cuMemSetAccess(address_, bytes_, &desc, 1), "access to memory");
}

void Mapping::Protect(const Device& device) {
  device.Check(driver_->cuCtxSynchronize(), "waiting for the device");
  access_ = Access::kRead;
  SetAccess(device);
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(driver_, other.driver_);
  std::swap(range_, other.range_);
  std::swap(address_, other.address_);
  std::swap(range_bytes_, other.range_bytes_);
  std::swap(bytes_, other.bytes_);
  std::swap(handle_, other.handle_);
  std::swap(access_, other.access_);
  return *this;
}

void Mapping::Release() noexcept {
  if (driver_ == nullptr) return;
  if (address_ != 0) driver_->cuMemUnmap(address_, bytes_);
  if (range_ != 0) driver_->cuMemAddressFree(range_, range_bytes_);
  if (handle_ != 0) driver_->cuMemRelease(handle_);
  driver_ = nullptr;
}

int Mapping::Export() const {
  int descriptor = -1;
  Check(*driver_,
        driver_->cuMemExportToShareableHandle(&descriptor, handle_, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0),
        "sharing memory");
  return descriptor;
}

Module::Module(const Device& device, std::string cubin) : device_(device), cubin_(std::move(cubin)) {
  device_.Check(device_.driver().cuModuleLoadDataEx(&module_, cubin_.data(), 0, nullptr, nullptr),
                "loading the module");
}

Module::~Module() { device_.driver().cuModuleUnload(module_); }

CUfunction Module::Function(const std::string& name) {
  CUfunction& function = functions_[name];
  if (function == nullptr) {
    device_.Check(device_.driver().cuModuleGetFunction(&function, module_, name.c_str()), name.c_str());
  }
  return function;
}

void Module::AllowShared(const std::string& name, size_t bytes) {
  const CUfunction function = Function(name);
  size_t& most = shared_[name];
  if (bytes <= most) return;
  device_.Check(device_.driver().cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                                    static_cast<int>(std::min<size_t>(bytes, INT_MAX))),
                name.c_str());
  most = bytes;
}

}  // namespace kopt::worker
