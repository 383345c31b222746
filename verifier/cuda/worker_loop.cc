#include "verifier/cuda/worker_loop.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kopt::worker {
namespace {

using nlohmann::json;

json ErrorFrame(const Error& error) { return {{"error", error.message}, {"hint", error.hint}}; }

void Close(const std::vector<int>& descriptors) {
  for (const int descriptor : descriptors) close(descriptor);
}

}  // namespace

std::string ReadAll(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) throw std::runtime_error("the size of a request's memory is not known");
  std::string text(static_cast<size_t>(status.st_size), '\0');
  for (size_t done = 0; done < text.size();) {  // one read gives 2 GB at most
    const ssize_t got = pread(descriptor, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got <= 0) throw std::runtime_error("a request's memory cannot be read");
    done += static_cast<size_t>(got);
  }
  return text;
}

int ServeDevice(int ordinal, const std::function<AnswerFrame(const Device& device)>& serve) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("CUDA_MODULE_LOADING", "EAGER", 1);  // lazily loaded code would be loaded while the stream is blocked
  const auto driver = Driver::Load();
  if (!driver) {
    SendFrame(kFrameFd, ErrorFrame(driver.error()));
    return 3;
  }
  try {
    const Device device(*driver, ordinal);
    const AnswerFrame answer = serve(device);
    json hello{{"ok", true}, {"device", DeviceFacts(*driver, device.device())}};
    hello["device"]["unit"] = MappingBytes(device, 1);
    size_t free = 0;
    size_t total = 0;
    device.Check(driver->cuMemGetInfo(&free, &total), "free memory");
    hello["device"]["free"] = free;
    if (!SendFrame(kFrameFd, hello)) return 0;
    while (const auto request = ReceiveFrame(kFrameFd)) {
      std::vector<int> descriptors;
      json reply;
      try {
        reply = answer(*request, descriptors);
      } catch (const DriverError& error) {
        json fault{{"code", static_cast<int>(error.code)}, {"words", error.what()}, {"ours", error.ours}};
        if (error.code == CUDA_ERROR_OUT_OF_MEMORY && driver->cuMemGetInfo(&free, &total) == CUDA_SUCCESS) {
          fault["free"] = free;
          fault["total"] = total;
        }
        reply = {{"fault", std::move(fault)}};
      } catch (const std::exception& error) {
        reply = {{"error", error.what()}};
      }
      const bool sent = SendFrame(kFrameFd, reply, descriptors);
      Close(descriptors);
      Close(request->descriptors);
      if (!sent) return 0;
      if (reply.contains("fault")) break;  // the context is lost; its destructors would only fail
    }
    _exit(0);
  } catch (const DriverError& error) {
    SendFrame(kFrameFd, ErrorFrame({.message = error.what()}));
    return 3;
  }
}

int Probe() {
  const auto print = [](const json& answer) {
    std::puts(answer.dump().c_str());
    return answer.contains("error") ? 3 : 0;
  };
  const auto driver = Driver::Load();
  if (!driver) return print(ErrorFrame(driver.error()));
  try {
    Check(*driver, driver->cuInit(0), "cuInit");
    int count = 0;
    Check(*driver, driver->cuDeviceGetCount(&count), "the number of devices");
    json devices = json::array();
    for (int i = 0; i < count; ++i) {
      CUdevice device = 0;
      Check(*driver, driver->cuDeviceGet(&device, i), "the device");
      devices.push_back(DeviceFacts(*driver, device));
    }
    return print({{"devices", devices}});
  } catch (const DriverError& error) {
    return print(ErrorFrame({.message = error.what(), .hint = "nvidia-smi shows whether the driver works"}));
  }
}

}  // namespace kopt::worker
