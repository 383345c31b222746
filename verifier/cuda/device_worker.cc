#include "verifier/cuda/device_worker.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "verifier/cuda/frames.h"
#include "verifier/cuda/worker_environment.h"

namespace kopt {
namespace {

constexpr double kProbeSeconds = 30;

std::string Words(const nlohmann::json& answer, const char* key) {
  const auto found = answer.find(key);
  return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<std::unique_ptr<DeviceWorker>> DeviceWorker::Start(const std::string& program, const std::string& mode,
                                                          int ordinal, std::vector<std::string> under) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return EnvironmentError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  auto worker = std::make_unique<DeviceWorker>();
  worker->control_ = Fd(ends[0]);
  const Fd other(ends[1]);
  std::vector<std::string> command = std::move(under);
  command.insert(command.end(), {program, mode, fmt::format("{}", ordinal)});
  KOPT_TRY(worker->group_,
           ProcessGroup::Spawn(
               {.command = std::move(command), .environment = WorkerEnvironment(environ), .control = other.get()}));
  return worker;
}

Result<nlohmann::json> DeviceWorker::Await(double seconds) {
  if (!device_.is_null()) return device_;
  std::optional<Frame> hello;
  if (AwaitInput(control_.get(), seconds)) hello = ReceiveFrame(control_.get());
  if (!hello) {
    group_.Kill();
    return EnvironmentError(
        "the worker for the GPU does not start",
        "`kopt doctor --target cuda` says what is missing; nvidia-smi shows whether the driver works");
  }
  if (hello->json.contains("error")) {
    group_.Kill();
    return EnvironmentError(Words(hello->json, "error"), Words(hello->json, "hint"));
  }
  device_ = hello->json.at("device");
  return device_;
}

void DeviceWorker::Finish(double seconds) {
  control_.Close();
  int wait_status = 0;
  group_.WaitFor(seconds, wait_status);
  group_.Kill();
}

DeviceAnswer DeviceWorker::Lost(const char* words) {
  group_.Kill();
  return {.json = {{"fault", {{"code", 0}, {"words", words}}}}};
}

Result<DeviceAnswer> DeviceWorker::LostFrame() {
  if (errno != EMFILE) return Lost("gone");
  group_.Kill();
  return EnvironmentError(fmt::format("kopt has no file descriptors left: it may have {}", RaiseDescriptorLimit()),
                          "raise the hard limit: `ulimit -Hn` shows it");
}

Result<DeviceAnswer> DeviceWorker::Ask(const nlohmann::json& request, double seconds,
                                       const std::vector<int>& descriptors) {
  KOPT_CHECK(Await());
  errno = 0;
  if (!SendFrame(control_.get(), request, descriptors)) return LostFrame();
  if (!AwaitInput(control_.get(), seconds)) return Lost("deadline");
  errno = 0;
  auto frame = ReceiveFrame(control_.get());
  if (!frame) return LostFrame();
  DeviceAnswer answer{.json = std::move(frame->json)};
  for (const int descriptor : frame->descriptors) answer.descriptors.emplace_back(descriptor);
  if (answer.json.contains("error")) {
    return InternalError(
        fmt::format("the worker for the GPU cannot do `{}`: {}", Words(request, "do"), Words(answer.json, "error")));
  }
  if (answer.IsFault()) group_.Kill();
  return answer;
}

void EndingWorkers::End(std::unique_ptr<DeviceWorker> worker) {
  Await();
  last_ = std::async(std::launch::async, [ending = std::move(worker)]() mutable { ending.reset(); });
}

void EndingWorkers::Await() {
  if (last_.valid()) last_.get();
}

Error ErrorOf(const nlohmann::json& fault, const std::string& what) {
  if (!fault.contains("free")) return {.message = fmt::format("{}: {}", what, Words(fault, "words"))};
  return {.exit = Exit::kEnvironment,
          .message = fmt::format("the device's memory is full: {:.1f} GB of {:.1f} GB are free ({})",
                                 fault.at("free").get<double>() * 1e-9, fault.at("total").get<double>() * 1e-9, what),
          .hint = "end what else uses the device (nvidia-smi shows it), or choose smaller shapes"};
}

Result<DeviceAnswer> Trusted(Result<DeviceAnswer> answer, const std::string& what) {
  if (!answer || !answer->IsFault()) return answer;
  return std::unexpected(ErrorOf(answer->json.at("fault"), what));
}

Result<Fd> MemoryOf(std::string_view content) {
  Fd memory(memfd_create("kopt", MFD_CLOEXEC));
  if (!memory.valid()) return InternalError(fmt::format("memfd_create: {}", std::strerror(errno)));
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = write(memory.get(), content.data() + done, content.size() - done);
    if (wrote <= 0) return InternalError(fmt::format("writing memory: {}", std::strerror(errno)));
    done += static_cast<size_t>(wrote);
  }
  return memory;
}

Result<void> ReadMemory(const Fd& memory, std::span<std::byte> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t got = pread(memory.get(), into.data() + done, into.size() - done, static_cast<off_t>(done));
    if (got <= 0) return InternalError("a worker's memory cannot be read");
    done += static_cast<size_t>(got);
  }
  return {};
}

Result<nlohmann::json> ProbeDevices(const std::string& program) {
  if (access(program.c_str(), X_OK) != 0) {
    return EnvironmentError(fmt::format("this build has no worker for the target cuda: {} is missing", program),
                            "build kopt where CUDA's headers are, or use --target cpu");
  }
  KOPT_TRY(auto pipe, MakePipe());
  KOPT_TRY(ProcessGroup group, ProcessGroup::Spawn({.command = {program, "probe"},
                                                    .environment = WorkerEnvironment(environ),
                                                    .output = pipe.second.get()}));
  pipe.second.Close();
  CappedReader reader;
  int wait_status = 0;
  if (!group.WaitFor(kProbeSeconds, wait_status)) {
    return EnvironmentError(fmt::format("the driver did not answer within {} s", kProbeSeconds), "try nvidia-smi");
  }
  reader.Drain(pipe.first.get());
  auto answer = nlohmann::json::parse(reader.text(), nullptr, false);
  if (!answer.is_object()) return EnvironmentError("the worker for the GPU says nothing", "try nvidia-smi");
  if (answer.contains("error")) return EnvironmentError(Words(answer, "error"), Words(answer, "hint"));
  if (answer.at("devices").empty()) return EnvironmentError("there is no CUDA device", "use --target cpu");
  return answer;
}

}  // namespace kopt
