// kopt's side of a device worker: a process of its own that is asked frame by frame.
#pragma once

#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"

namespace kopt {

struct DeviceAnswer {
  nlohmann::json json;
  std::vector<Fd> descriptors;
  // Code and words of the driver (frames.h), "deadline", or "gone". The worker has ended then.
  bool IsFault() const { return json.contains("fault"); }
};

class DeviceWorker {
 public:
  static constexpr double kContextSeconds = 60;
  // `mode`: "run", "check" or "oracle". `under`: a command that runs the program. Does not wait for the device: Await
  // does. Errors (exit 3): the program cannot be run.
  static Result<std::unique_ptr<DeviceWorker>> Start(const std::string& program, const std::string& mode, int ordinal,
                                                     std::vector<std::string> under = {});

  // What the device is (device.h); waits until the context stands. Errors (exit 3): no driver, no device, no memory, or
  // that took more than `seconds`.
  Result<nlohmann::json> Await(double seconds = kContextSeconds);
  // Sends a request and waits at most `seconds` for its answer. A worker that dies or does not answer is a fault with
  // the words "gone" or "deadline"; errors are those that the worker reports of kopt or the machine.
  Result<DeviceAnswer> Ask(const nlohmann::json& request, double seconds, const std::vector<int>& descriptors = {});
  // Nothing more will be asked: waits at most `seconds` for the program's own end, then kills it.
  void Finish(double seconds);
  bool running() const { return group_.running(); }
  pid_t pid() const { return group_.pid(); }

 private:
  DeviceAnswer Lost(const char* words);
  Result<DeviceAnswer> LostFrame();  // errno: why
  ProcessGroup group_;
  Fd control_;
  nlohmann::json device_;
};

// Ends workers while something else is done: their contexts take the driver 60 ms and more.
class EndingWorkers {
 public:
  void End(std::unique_ptr<DeviceWorker> worker);
  // Until all of them are gone, with their memory on the device.
  void Await();

 private:
  std::future<void> last_;
};

// A fault that is no candidate's doing as an error: a full device (exit 3), or whatever the driver says. `what`: kopt
// did.
Error ErrorOf(const nlohmann::json& fault, const std::string& what);

// An answer where no fault can be a candidate's: it becomes an error of ours. `what`: for the message.
Result<DeviceAnswer> Trusted(Result<DeviceAnswer> answer, const std::string& what);

// Anonymous memory with this content, to be sent along.
Result<Fd> MemoryOf(std::string_view content);

// The first bytes of such memory, as many as `into` has.
Result<void> ReadMemory(const Fd& memory, std::span<std::byte> into);

// Asks `program probe` about the machine's devices: {"devices": [...]}. Errors (exit 3): what is missing.
Result<nlohmann::json> ProbeDevices(const std::string& program);

}  // namespace kopt
