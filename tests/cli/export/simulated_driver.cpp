// A CUDA driver without a device, for the programs that use exported kernels: memory is the host's, and what would go
// into a stream is printed instead. What the device has comes from the environment, so that other devices can be
// played; how many bytes each parameter of a kernel has, from the file SIMULATED_KERNELS.
#include <cuda.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

struct CUctx_st {
  int device;
};
struct CUstream_st {
  CUcontext context;
};
struct CUlib_st {
  std::string content;
};
struct CUkern_st {
  std::string name;
  std::vector<std::size_t> parameters;  // bytes
};
struct CUfunc_st {
  const CUkern_st* kernel;
  CUcontext context;
  int smem = 48 << 10, clusters = 0;  // as attributes
};
struct CUevent_st {};

namespace {

CUctx_st contexts[2] = {{0}, {0}};
thread_local CUcontext current = nullptr;
std::map<std::string, CUkern_st> kernels;
std::map<std::pair<const CUkern_st*, CUcontext>, CUfunc_st> functions;
std::set<CUdeviceptr> allocated;
int encoded = 0;

int Number(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

bool Fails(const char* what) {
  const char* text = std::getenv("SIMULATED_FAILURE");
  return text != nullptr && std::strcmp(text, what) == 0;
}

void ReadKernels() {
  const char* file = std::getenv("SIMULATED_KERNELS");
  std::ifstream in(file != nullptr ? file : "/dev/null");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    CUkern_st kernel;
    words >> kernel.name;
    for (std::size_t bytes = 0; words >> bytes;) kernel.parameters.push_back(bytes);
    kernels[kernel.name] = kernel;
  }
}

CUresult Allocate(CUdeviceptr* memory, std::size_t bytes) {
  *memory = reinterpret_cast<CUdeviceptr>(std::aligned_alloc(512, (bytes + 511) / 512 * 512));
  allocated.insert(*memory);
  return CUDA_SUCCESS;
}
CUresult Free(CUdeviceptr memory) {
  if (allocated.erase(memory) != 1) return CUDA_ERROR_INVALID_VALUE;
  std::free(reinterpret_cast<void*>(memory));
  return CUDA_SUCCESS;
}

}  // namespace

extern "C" {

// Of the simulation: the contexts there are, streams in them, and a new count of tensor maps.
CUcontext SimulatedContext(int number) { return &contexts[number]; }
CUstream SimulatedStream(int number) {
  static CUstream_st streams[2] = {{&contexts[0]}, {&contexts[1]}};
  return &streams[number];
}
void SimulatedStart() { encoded = 0; }
std::size_t SimulatedAllocations() { return allocated.size(); }

CUresult cuInit(unsigned) { return Fails("cuInit") ? CUDA_ERROR_NO_DEVICE : CUDA_SUCCESS; }
CUresult cuGetErrorName(CUresult result, const char** name) {
  *name = result == CUDA_SUCCESS ? "CUDA_SUCCESS" : "CUDA_ERROR_SIMULATED";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult, const char** text) {
  *text = "a failure that is played";
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetCount(int* count) {
  *count = 1;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice* device, int) {
  *device = 0;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char* name, int size, CUdevice) {
  std::snprintf(name, static_cast<std::size_t>(size), "a simulated GPU");
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice) {
  static const std::map<int, int> kFixed = {
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024}, {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},       {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},  {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535}};
  if (which == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) {
    *value = Number("SIMULATED_MAJOR", 9);
  } else if (which == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) {
    *value = Number("SIMULATED_MINOR", 0);
  } else if (which == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) {
    *value = Number("SIMULATED_SMS", 132);
  } else if (which == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN) {
    *value = Number("SIMULATED_SMEM_BLOCK", 232448);
  } else {
    *value = kFixed.at(which);
  }
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  *context = &contexts[0];
  return CUDA_SUCCESS;
}
CUresult cuCtxSetCurrent(CUcontext context) {
  current = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetCurrent(CUcontext* context) {
  *context = current;
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent(CUcontext* context) {
  *context = current;
  current = nullptr;
  return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent(CUcontext context) { return cuCtxSetCurrent(context); }
CUresult cuCtxGetDevice(CUdevice* device) {
  *device = current->device;
  return CUDA_SUCCESS;
}
CUresult cuCtxSynchronize() { return CUDA_SUCCESS; }
CUresult cuStreamGetCtx(CUstream stream, CUcontext* context) {
  *context = stream->context;
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr* memory, std::size_t bytes) { return Allocate(memory, bytes); }
CUresult cuMemFree(CUdeviceptr memory) { return Free(memory); }
CUresult cuMemAllocAsync(CUdeviceptr* memory, std::size_t bytes, CUstream) {
  if (Fails("cuMemAllocAsync")) return CUDA_ERROR_OUT_OF_MEMORY;
  std::printf("allocate %zu\n", bytes);
  return Allocate(memory, bytes);
}
CUresult cuMemFreeAsync(CUdeviceptr memory, CUstream) {
  std::printf("free\n");
  return Free(memory);
}
CUresult cuMemcpyHtoD(CUdeviceptr to, const void* from, std::size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoH(void* to, CUdeviceptr from, std::size_t bytes) {
  std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemsetD8Async(CUdeviceptr memory, unsigned char, std::size_t bytes, CUstream) {
  std::printf("zero %llx %zu\n", memory, bytes);
  return CUDA_SUCCESS;
}

CUresult cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option*, void**, unsigned, CUlibraryOption*,
                           void**, unsigned) {
  if (Fails("cuLibraryLoadData")) return CUDA_ERROR_INVALID_IMAGE;
  if (kernels.empty()) ReadKernels();
  std::printf("load %.7s\n", static_cast<const char*>(code) + (std::memcmp(code, "\177ELF", 4) == 0 ? 1 : 0));
  *library = new CUlib_st;
  return CUDA_SUCCESS;
}
CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary, const char* name) {
  const auto found = kernels.find(name);
  if (found == kernels.end()) return CUDA_ERROR_NOT_FOUND;
  *kernel = &found->second;
  return CUDA_SUCCESS;
}
CUresult cuKernelGetFunction(CUfunction* function, CUkernel kernel) {
  CUfunc_st& own = functions[{kernel, current}];
  own.kernel = kernel;
  own.context = current;
  *function = &own;
  return CUDA_SUCCESS;
}
CUresult cuFuncGetAttribute(int* value, CUfunction_attribute which, CUfunction function) {
  *value = which == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? Number("SIMULATED_THREADS", 1024)
           : which == CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES   ? 0
                                                            : function->smem;
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute which, int value) {
  (which == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ? function->smem : function->clusters) = value;
  return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int threads, std::size_t smem) {
  if (smem > static_cast<std::size_t>(function->smem)) return CUDA_ERROR_INVALID_VALUE;
  *blocks = 2048 / threads;
  return CUDA_SUCCESS;
}

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                                const cuuint64_t* dims, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* step, CUtensorMapInterleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion l2, CUtensorMapFloatOOBfill fill) {
  if (Fails("cuTensorMapEncodeTiled")) return CUDA_ERROR_INVALID_VALUE;
  std::printf("map %d at %llx type %d dims", encoded, reinterpret_cast<CUdeviceptr>(address), type);
  for (unsigned i = 0; i < rank; ++i) std::printf(" %llu", static_cast<unsigned long long>(dims[i]));
  std::printf(" strides");
  for (unsigned i = 0; i + 1 < rank; ++i) std::printf(" %llu", static_cast<unsigned long long>(strides[i]));
  std::printf(" box");
  for (unsigned i = 0; i < rank; ++i) std::printf(" %u", box[i]);
  std::printf(" step");
  for (unsigned i = 0; i < rank; ++i) std::printf(" %u", step[i]);
  std::printf(" swizzle %d l2 %d fill %d\n", swizzle, l2, fill);
  *map = {};
  map->opaque[0] = static_cast<cuuint64_t>(encoded++);
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** arguments, void**) {
  if (Fails(function->kernel->name.c_str())) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  if (function->context != current) return CUDA_ERROR_INVALID_CONTEXT;
  unsigned cluster[3] = {0, 0, 0};
  int cooperative = 0, dependent = 0;
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const CUlaunchAttribute& attribute = config->attrs[i];
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION)
      std::memcpy(cluster, &attribute.value.clusterDim, sizeof cluster);
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE) cooperative = attribute.value.cooperative;
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION)
      dependent = attribute.value.programmaticStreamSerializationAllowed;
  }
  if (config->sharedMemBytes > static_cast<unsigned>(function->smem)) return CUDA_ERROR_INVALID_VALUE;
  if (cluster[0] * cluster[1] * cluster[2] > 8 && function->clusters == 0) return CUDA_ERROR_INVALID_CLUSTER_SIZE;
  std::printf("launch %s grid %u %u %u block %u %u %u cluster %u %u %u smem %u cooperative %d dependent %d args",
              function->kernel->name.c_str(), config->gridDimX, config->gridDimY, config->gridDimZ, config->blockDimX,
              config->blockDimY, config->blockDimZ, cluster[0], cluster[1], cluster[2], config->sharedMemBytes,
              cooperative, dependent);
  const auto& parameters = function->kernel->parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    unsigned long long value = 0;  // of a tensor map: its number
    std::memcpy(&value, arguments[i], parameters[i] < sizeof value ? parameters[i] : sizeof value);
    std::printf(" %llx", value);
  }
  std::printf("\n");
  return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent* event, unsigned) {
  static CUevent_st one;
  *event = &one;
  return CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent, CUstream) { return CUDA_SUCCESS; }
CUresult cuEventSynchronize(CUevent) { return CUDA_SUCCESS; }
CUresult cuEventElapsedTime(float* milliseconds, CUevent, CUevent) {
  *milliseconds = 1;
  return CUDA_SUCCESS;
}

}  // extern "C"
