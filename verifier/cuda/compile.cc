#include "verifier/cuda/compile.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/hash.h"
#include "task/cpp_tokens.h"
#include "verifier/cuda/compile_protocol.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr size_t kMostRemarks = 4, kMostRemark = 300;
constexpr const char* kLoss = "Potential Performance Loss";  // how the assembler begins such a remark

constexpr int kCacheFormat = 2;                     // raise when the meaning of an entry changes
constexpr double kHelloSeconds = 120;               // to compile the prefix
constexpr size_t kOutputBytes = size_t{256} << 20;  // memory for a cubin; only what is written takes space
constexpr size_t kMostText = size_t{16} << 20;

uint32_t NextSlot() {
  static std::atomic<uint32_t> next{0};
  return (static_cast<uint32_t>(getpid()) * 1024 + 512 + next++ % 512) * 2 + 1;
}

std::string Identity(const std::filesystem::path& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return file.string();
  return fmt::format("{} {} {}.{}", file.string(), status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::string FirstError(const std::string& log) {
  std::istringstream lines(log);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (first.empty()) first = line;
    if (line.find("error") != std::string::npos) return line;
  }
  return first;
}

std::string_view Name(CudaCompileService::Prefix prefix) {
  constexpr std::string_view kNames[] = {"none", "numbers", "libraries"};
  return kNames[static_cast<size_t>(prefix)];
}

nlohmann::json Json(const KernelUsage& kernel) {
  return {kernel.name,         kernel.registers,   kernel.stack_bytes,
          kernel.spill_stores, kernel.spill_loads, kernel.shared_bytes};
}

std::string Pack(const CudaCompileResult& result) {
  nlohmann::json head{{"log", result.log}, {"kernels", nlohmann::json::array()}};
  for (const KernelUsage& kernel : result.kernels) head["kernels"].push_back(Json(kernel));
  const std::string text = head.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return fmt::format("{}\n{}{}", text.size(), text, result.cubin);
}

std::optional<CudaCompileResult> Unpack(const std::string& text) {
  const size_t line = text.find('\n');
  size_t size = 0;
  if (line == std::string::npos || std::sscanf(text.c_str(), "%zu", &size) != 1) return std::nullopt;
  if (text.size() < line + 1 + size) return std::nullopt;
  try {
    const auto head = nlohmann::json::parse(text.substr(line + 1, size));
    CudaCompileResult result{.cubin = text.substr(line + 1 + size), .log = head.at("log"), .cached = true};
    for (const auto& row : head.at("kernels")) {
      result.kernels.push_back({row.at(0), row.at(1), row.at(2), row.at(3), row.at(4), row.at(5)});
    }
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // of another kopt
  }
}

}  // namespace

bool NeedsLibraries(std::string_view source) {
  static constexpr std::string_view kNames[] = {"std", "cuda", "cooperative_groups", "nvcuda"};
  static constexpr std::string_view kHeaders[] = {"cooperative_groups", "cuda/", "cuda_pipeline", "cuda_awbarrier",
                                                  "mma.h"};
  const std::vector<CppToken> tokens = Tokenise(source);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const CppToken& token = tokens[i];
    const bool scope = i + 1 < tokens.size() && tokens[i + 1].Is("::");
    const auto named = [&](std::string_view name) { return token.Is(name); };
    if (scope && std::ranges::any_of(kNames, named)) return true;
    if (token.Is("using") && i + 2 < tokens.size() && tokens[i + 1].Is("namespace") &&
        std::ranges::any_of(kNames, [&](std::string_view name) { return tokens[i + 2].Is(name); })) {
      return true;
    }
    if (token.Is("namespace") && i + 3 < tokens.size() && tokens[i + 2].Is("=") &&
        std::ranges::any_of(kNames, [&](std::string_view name) { return tokens[i + 3].Is(name); })) {
      return true;
    }
  }
  for (size_t at = source.find("#"); at != std::string_view::npos; at = source.find('#', at + 1)) {
    const std::string_view line = source.substr(at, source.find('\n', at) - at);
    if (line.find("include") == std::string_view::npos) continue;
    if (std::ranges::any_of(kHeaders, [&](std::string_view h) { return line.find(h) != std::string_view::npos; })) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> PerformanceRemarks(std::string_view log) {
  std::vector<std::string> remarks;
  std::istringstream lines{std::string(log)};
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.starts_with("ptxas ") ? line.find(kLoss) : std::string::npos;
    if (begin != std::string::npos && remarks.size() < kMostRemarks) remarks.push_back(line.substr(begin, kMostRemark));
  }
  return remarks;
}

std::vector<KernelUsage> TakeUsage(std::string& log) {
  std::vector<KernelUsage> kernels;
  std::istringstream lines(log);
  std::string kept;
  KernelUsage own;
  for (std::string line; std::getline(lines, line);) {
    char name[512];
    if (!line.starts_with("ptxas ")) {
      kept += line + "\n";
    } else if (std::sscanf(line.c_str(), "ptxas info    : Compiling entry function '%511[^']'", name) == 1) {
      own = {.name = name};
    } else if (const size_t stack = line.find(" bytes stack frame"); stack != std::string::npos) {
      std::sscanf(line.c_str(), "ptxas . %d bytes stack frame, %d bytes spill stores, %d bytes spill loads",
                  &own.stack_bytes, &own.spill_stores, &own.spill_loads);
    } else if (std::sscanf(line.c_str(), "ptxas info    : Used %d registers", &own.registers) == 1) {
      const size_t shared = line.find(" bytes smem");
      const size_t begin = shared == std::string::npos ? shared : line.rfind(' ', shared - 1);
      if (begin != std::string::npos) own.shared_bytes = std::atoi(line.c_str() + begin);
      if (!own.name.empty()) kernels.push_back(own);
      own = {};
    } else if (!line.starts_with("ptxas info") || line.find(kLoss) != std::string::npos) {
      kept += line + "\n";  // ptxas's own errors and warnings
    }
  }
  while (kept.ends_with("\n")) kept.pop_back();
  log = kept;
  return kernels;
}

Result<CudaCompileService> CudaCompileService::Create(const CudaToolkit& toolkit, const std::string& architecture,
                                                      const CudaCompileOptions& options) {
  if (access(options.worker.c_str(), X_OK) != 0) {
    return EnvironmentError(fmt::format("{} is not there or cannot be run", options.worker),
                            "build kopt where CUDA's headers are, and keep its workers beside it");
  }
  CudaCompileService service;
  service.toolkit_ = toolkit;
  service.architecture_ = architecture;
  service.options_ = options;
  service.identity_ = fmt::format("{}\n{}\n{}\n{}\n{}\n", kCacheFormat, Identity(toolkit.nvrtc),
                                  Identity(toolkit.jitlink), Identity(options.worker), architecture);
  for (const auto& include : toolkit.includes) service.identity_ += include.string() + "\n";
  if (!options.cache.empty()) {
    KOPT_TRY(service.cache_, ContentCache::Open(options.cache));
  }
  KOPT_CHECK(StartGuard(options.guard));
  KOPT_TRY(auto folder, TemporaryFolder::Create("kopt"));
  GuardFolder(folder.path());
  chmod(folder.path().c_str(), 0711);
  service.folder_ = std::make_shared<TemporaryFolder>(std::move(folder));
  service.shared_ = std::make_shared<Shared>();
  return service;
}

CudaCompileService::Prefix CudaCompileService::PrefixFor(const std::string& candidate) {
  return NeedsLibraries(candidate) ? Prefix::kLibraries : Prefix::kNumbers;
}

std::string CudaCompileService::Key(const Order& order) const {
  return fmt::format("{}{}\n{}{}", identity_, Name(order.prefix), order.warps == Warps::kLate ? "late warps\n" : "",
                     order.text);
}

Result<CudaCompileService::Server> CudaCompileService::StartServer(Prefix prefix) const {
  const uint32_t slot = NextSlot();
  const std::filesystem::path folder = folder_->path() / Name(prefix);
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  std::filesystem::create_directory(folder, error);
  const uid_t id = sandbox::UidOfSlot(slot);
  if (geteuid() == 0 && chown(folder.c_str(), id, id) != 0) {
    return EnvironmentError(fmt::format("cannot hand {} to the compiler: {}", folder.string(), std::strerror(errno)));
  }
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return EnvironmentError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  Server server{.control = Fd(ends[0])};
  const Fd other(ends[1]);
  SpawnOptions spawn{
      .command = {options_.worker, "compile", fmt::format("{}", slot), options_.sandbox ? "1" : "0", folder.string(),
                  toolkit_.nvrtc.string(), toolkit_.jitlink.string(), architecture_, std::string(Name(prefix))},
      .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=" + folder.string()},
      .control = other.get()};
  for (const auto& include : toolkit_.includes) spawn.command.push_back(include.string());
  spawn.command.emplace_back("--");
  for (const auto& path : toolkit_.libraries) spawn.command.push_back(path.string());
  for (const char* path : {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/urandom"}) {
    spawn.command.emplace_back(path);
  }
  KOPT_TRY(server.group, ProcessGroup::Spawn(spawn));
  CompileHello hello;
  std::vector<int> none;
  if (!AwaitInput(server.control.get(), kHelloSeconds) ||
      !ReceiveDescriptors(server.control.get(), std::as_writable_bytes(std::span(&hello, 1)), none)) {
    return EnvironmentError(fmt::format("the compile server {} does not start", options_.worker),
                            "kopt doctor says what is missing");
  }
  hello.error[sizeof(hello.error) - 1] = '\0';
  if (hello.error[0] != '\0') {
    return EnvironmentError(fmt::format("NVRTC cannot be used for {}: {}", architecture_, hello.error),
                            "kopt doctor says what is missing");
  }
  server.version = fmt::format("NVRTC {}.{}", hello.major, hello.minor);
  return server;
}

Result<CudaCompileService::Server*> CudaCompileService::EnsureServer(Prefix prefix) {
  auto& server = shared_->servers[static_cast<size_t>(prefix)];
  int wait_status = 0;
  if (server && !server->group.WaitFor(0, wait_status)) return server.get();
  KOPT_TRY(Server started, StartServer(prefix));
  server = std::make_unique<Server>(std::move(started));
  return server.get();
}

Result<void> CudaCompileService::Prepare(Prefix prefix) {
  const std::lock_guard lock(shared_->mutex);
  KOPT_CHECK(EnsureServer(prefix));
  return {};
}

Result<std::string> CudaCompileService::Version() {
  const std::lock_guard lock(shared_->mutex);
  KOPT_TRY(const Server* server, EnsureServer(Prefix::kNumbers));
  return server->version;
}

bool CudaCompileService::IsCompiled(const std::string& text, Prefix prefix, Warps warps) const {
  const std::string key = Key({text, prefix, warps});
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->results.contains(key)) return true;
  }
  return cache_.Find(key).has_value();
}

Result<CudaCompileResult> CudaCompileService::Compile(const std::string& text, Prefix prefix, Warps warps) {
  const double begin = SystemClock().Now();
  const Order order{text, prefix, warps};
  const std::string key = Key(order);
  if (auto known = Begin(key)) {
    known->cached = true;
    known->seconds = SystemClock().Now() - begin;
    return *known;
  }
  // Others wait for the key: it must not stay, whatever happens.
  struct Running {
    ~Running() {
      const std::lock_guard lock(shared.mutex);
      shared.running.erase(key);
      shared.ended.notify_all();
    }
    Shared& shared;
    const std::string& key;
  } const running{*shared_, key};
  auto result = FindOrRun(key, order);
  if (!result) return result;
  if (result->final) {
    const std::lock_guard lock(shared_->mutex);
    shared_->results[key] = *result;
  }
  result->seconds = SystemClock().Now() - begin;
  return result;
}

std::optional<CudaCompileResult> CudaCompileService::Begin(const std::string& key) {
  std::unique_lock lock(shared_->mutex);
  shared_->ended.wait(lock, [&] { return !shared_->running.contains(key); });
  if (const auto found = shared_->results.find(key); found != shared_->results.end()) return found->second;
  shared_->running.insert(key);
  return std::nullopt;
}

Result<CudaCompileResult> CudaCompileService::FindOrRun(const std::string& key, const Order& order) {
  if (const std::optional<std::string> kept = cache_.Find(key)) {
    if (auto result = Unpack(*kept)) return *std::move(result);
  }
  KOPT_TRY(CudaCompileResult result, Run(order));
  if (result.kind == CudaCompileResult::Kind::kCubin) KOPT_CHECK(cache_.Put(key, Pack(result)));
  return result;
}

Result<CudaCompileResult> CudaCompileService::Run(const Order& what) {
  CudaCompileResult result;
  const std::string& text = what.text;
  if (text.size() > kMostText) {
    result.kind = CudaCompileResult::Kind::kErrors;
    result.reason = fmt::format("the source has more than {} MB", kMostText >> 20);
    return result;
  }
  KOPT_TRY(const SharedMemory source, SharedMemory::Create(std::max<size_t>(text.size(), 1)));
  std::memcpy(source.bytes().data(), text.data(), text.size());
  KOPT_TRY(const SharedMemory output, SharedMemory::Create(kOutputBytes));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return EnvironmentError(fmt::format("socketpair: {}", std::strerror(errno)));
  }
  const Fd own(ends[0]);
  Fd other(ends[1]);
  const CompileOrder order{.text_bytes = text.size(),
                           .output_bytes = kOutputBytes,
                           .cpu_seconds = static_cast<uint32_t>(options_.seconds) + 10,
                           .late_warps = what.warps == Warps::kLate ? 1U : 0U};
  {
    const std::lock_guard lock(shared_->mutex);
    KOPT_TRY(const Server* server, EnsureServer(what.prefix));
    const int descriptors[] = {source.fd(), output.fd(), other.get()};
    if (!SendDescriptors(server->control.get(), std::as_bytes(std::span(&order, 1)), descriptors)) {
      return InternalError("the compile server has gone");
    }
  }
  other.Close();
  const double deadline = SystemClock().Now() + options_.seconds;
  int32_t pid = 0;
  std::vector<int> none;
  if (!AwaitInput(own.get(), options_.seconds) ||
      !ReceiveDescriptors(own.get(), std::as_writable_bytes(std::span(&pid, 1)), none)) {
    return InternalError("the compile server does not take orders");
  }
  if (!AwaitInput(own.get(), deadline - SystemClock().Now())) {
    // It holds its end of the socket still, so the number is its own.
    kill(pid, SIGKILL);
    result.kind = CudaCompileResult::Kind::kTimeout;
    result.final = false;
    result.reason = fmt::format("the compiler did not finish in {} s", options_.seconds);
    return result;
  }
  CompileOutcome outcome;
  std::memcpy(&outcome, output.bytes().data(), sizeof(outcome));
  const size_t room = kOutputBytes - sizeof(outcome);
  const bool whole =
      outcome.finished == 1 && outcome.log_bytes <= room && outcome.cubin_bytes <= room - outcome.log_bytes;
  if (!whole) {
    result.kind = CudaCompileResult::Kind::kErrors;
    result.reason = "the compiler ended without a result: it ran out of memory or crashed";
    result.final = false;
    return result;
  }
  const char* at = reinterpret_cast<const char*>(output.bytes().data()) + sizeof(outcome);
  result.log.assign(at, outcome.log_bytes);
  result.kernels = TakeUsage(result.log);
  if (outcome.result != 0) {
    result.kind = CudaCompileResult::Kind::kErrors;
    result.reason = FirstError(result.log);
    return result;
  }
  result.cubin.assign(at + outcome.log_bytes, outcome.cubin_bytes);
  return result;
}

}  // namespace kopt
