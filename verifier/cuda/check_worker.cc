#include "verifier/cuda/check_worker.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "verifier/cuda/plan.h"
#include "verifier/cuda/worker_loop.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

constexpr unsigned char kPattern = 0x5a;

// Device memory that checkers know the size of.
class Allocation {
 public:
  Allocation(const Device& device, size_t bytes) : device_(&device), bytes_(bytes) {
    device.Check(device.driver().cuMemAlloc(&address_, std::max<size_t>(bytes, 1)), "memory");
  }
  Allocation(Allocation&& other) noexcept
      : device_(other.device_), address_(std::exchange(other.address_, 0)), bytes_(other.bytes_) {}
  Allocation& operator=(Allocation&&) = delete;
  ~Allocation() {
    if (address_ != 0) device_->driver().cuMemFree(address_);
  }

  CUdeviceptr address() const { return address_; }
  void FillWithPattern() {
    if (bytes_ > 0) device_->Check(device_->driver().cuMemsetD8(address_, kPattern, bytes_), "memory");
  }
  void Fill(const std::string& from) {
    if (from.size() != bytes_) throw std::runtime_error("a tensor's memory has another size");
    if (bytes_ > 0) device_->Check(device_->driver().cuMemcpyHtoD(address_, from.data(), bytes_), "an input");
  }
  void Read(int descriptor) const {
    std::vector<char> content(bytes_);
    if (bytes_ > 0) device_->Check(device_->driver().cuMemcpyDtoH(content.data(), address_, bytes_), "an output");
    for (size_t done = 0; done < bytes_;) {
      const ssize_t wrote = pwrite(descriptor, content.data() + done, bytes_ - done, static_cast<off_t>(done));
      if (wrote <= 0) throw std::runtime_error("an output cannot be handed over");
      done += static_cast<size_t>(wrote);
    }
  }

 private:
  const Device* device_;
  CUdeviceptr address_ = 0;
  size_t bytes_ = 0;
};

class PlainMemory final : public Operands {
 public:
  PlainMemory(const Device& device, const Frame& request) : scalars_(request.json.at("scalars")) {
    const json& tensors = request.json.at("tensors");
    const bool fill = request.json.at("fill");
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors_.emplace_back(device, tensors[i].at("bytes").get<size_t>());
      if (tensors[i].at("read")) {
        tensors_.back().Fill(ReadAll(request.descriptors.at(i + 1)));
      } else if (fill) {
        tensors_.back().FillWithPattern();
      }
    }
    for (const size_t bytes : request.json.at("plan").at("scratch")) {
      scratch_.emplace_back(device, bytes);
      if (fill) scratch_.back().FillWithPattern();
    }
  }
  CUdeviceptr TensorAt(size_t index) const override { return tensors_.at(index).address(); }
  CUdeviceptr ScratchAt(size_t index, size_t /*bytes*/) const override { return scratch_.at(index).address(); }
  uint64_t ScalarAt(size_t index) const override { return scalars_.at(index); }
  const Allocation& tensor(size_t index) const { return tensors_.at(index); }

 private:
  std::vector<Allocation> tensors_, scratch_;
  std::vector<uint64_t> scalars_;
};

json Call(const Device& device, const Frame& request) {
  Module module(device, ReadAll(request.descriptors.at(0)));
  Plan plan(device, module, request.json.at("plan"));
  const PlainMemory memory(device, request);
  plan.Bind(device, memory, 0);
  plan.Launch(device, 0);
  device.Await(request.json.at("seconds"));
  const json& tensors = request.json.at("tensors");
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].at("written")) memory.tensor(i).Read(request.descriptors.at(i + 1));
  }
  return {{"ok", true}};
}

}  // namespace

int CheckWorker(int argc, char** argv) {
  return ServeDevice(argc > 0 ? std::atoi(argv[0]) : 0, [](const Device& device) -> AnswerFrame {
    return [&device](const Frame& request, std::vector<int>&) -> json {
      try {
        return Call(device, request);
      } catch (const DriverError& error) {
        return {{"ok", true}, {"failed", {{"code", static_cast<int>(error.code)}, {"words", error.what()}}}};
      } catch (const DeadlinePassed&) {
        return {{"ok", true}, {"failed", {{"code", 0}, {"words", "deadline"}}}};
      }
    };
  });
}

}  // namespace kopt::worker
