#include "verifier/cpu/compile.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <sstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "task/cpu_source.h"
#include "task/screen.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr int kCacheFormat = 2;       // raise when the meaning of a cached object changes
constexpr size_t kLogKept = 1 << 16;  // bytes of the compiler's log
constexpr double kPrecompileSeconds = 120;
constexpr size_t kMostObject = size_t{512} << 20;
constexpr size_t kMostLog = 64 << 20;  // bytes after which the compiler is stopped
constexpr const char* kVersionScript = "{ global: kopt_entry; local: *; };\n";

uint32_t NextSlot() {
  static std::atomic<uint32_t> next{0};
  return (static_cast<uint32_t>(getpid()) * 1024 + next++ % 1024) * 2 + 1;
}

std::vector<std::string> ToolchainFolders(const Compiler& compiler) {
  std::vector<std::string> folders{"/usr/bin",     "/usr/lib",           "/usr/lib64",  "/usr/libexec",
                                   "/usr/include", "/usr/local/include", "/lib",        "/lib64",
                                   "/bin",         "/etc/ld.so.cache",   "/dev/urandom"};
  const auto prefix = std::filesystem::path(compiler.path).parent_path().parent_path();
  if (prefix != "/usr" && prefix != "/") folders.push_back(prefix.string());
  return folders;
}

// A file that the compiler left, which hostile source might have replaced by a link or a pipe. The compiler has ended.
Result<std::string> ReadMade(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, error))) {
    return EnvironmentError(fmt::format("the compiler left no file {}", path.filename().string()));
  }
  return ReadFile(path, kMostObject);
}

// What -march=native looks at: the first CPU's model and features, without its momentary frequency.
std::string CpuText() {
  const auto info = ReadFile("/proc/cpuinfo");
  std::istringstream lines(info ? info->substr(0, info->find("\n\n")) : "");
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("cpu MHz") && !line.starts_with("bogomips") && !line.starts_with("processor"))
      text += line + "\n";
  }
  return text;
}

std::string FirstError(const std::string& log) {
  size_t begin = 0;
  while (begin < log.size()) {
    const size_t end = std::min(log.find('\n', begin), log.size());
    const std::string line = log.substr(begin, end - begin);
    if (line.find("error") != std::string::npos || line.find("undefined reference") != std::string::npos) return line;
    begin = end + 1;
  }
  return log.substr(0, log.find('\n'));
}

}  // namespace

std::vector<std::string> CandidateFlags() { return {kCpuFlags.begin(), kCpuFlags.end()}; }

Result<Compiler> FindCompiler() {
  for (const char* path : {"/usr/bin/g++", "/usr/local/bin/g++", "/bin/g++"}) {
    if (access(path, X_OK) != 0) continue;
    KOPT_TRY(auto pipe, MakePipe());
    auto group = ProcessGroup::Spawn({.command = {path, "--version"},
                                      .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"},
                                      .output = pipe.second.get()});
    if (!group) continue;
    pipe.second.Close();
    CappedReader reader(4096);
    int wait_status = 0;
    if (!group->WaitFor(10, wait_status) || wait_status != 0) continue;
    reader.Drain(pipe.first.get());
    return Compiler{.path = path, .version = reader.text().substr(0, reader.text().find('\n'))};
  }
  return EnvironmentError("there is no C++ compiler: /usr/bin/g++ is missing or does not run",
                          "install it: apt-get install g++");
}

Result<CompileService> CompileService::Create(std::string worker, bool sandbox, const std::filesystem::path& cache) {
  CompileService service;
  service.worker_ = std::move(worker);
  service.sandbox_ = sandbox;
  service.cpu_ = CpuText();
  KOPT_TRY(service.compiler_, FindCompiler());
  std::error_code error;
  if (!cache.empty()) std::filesystem::create_directories(cache, error);
  if (error) return EnvironmentError(fmt::format("cannot create the folder {}: {}", cache.string(), error.message()));
  service.cache_ = cache;
  KOPT_CHECK(StartGuard(service.worker_));
  KOPT_TRY(auto folder, TemporaryFolder::Create("kopt"));
  GuardFolder(folder.path());
  if (folder.path().string().find_first_of("\"\\\n") != std::string::npos) {
    return EnvironmentError(
        fmt::format("the compiler cannot include files from the temporary folder {}", folder.path().string()),
        "set TMPDIR to a folder without quotes and backslashes in its name");
  }
  service.exposed_ = folder.path() / "objects";
  service.headers_ = folder.path() / "headers";
  for (const std::filesystem::path& path : {folder.path(), service.exposed_, service.headers_}) {
    std::filesystem::create_directory(path, error);
    chmod(path.c_str(), 0711);
  }
  service.folder_ = std::make_shared<TemporaryFolder>(std::move(folder));
  service.shared_ = std::make_shared<Shared>();
  return service;
}

// Everything that decides the object. -march=native makes the CPU a part of it.
std::string CompileService::Key(const CompileRequest& request) const {
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n", kCacheFormat, compiler_.path, compiler_.version, cpu_, request.screen);
  text += fmt::format("{}\n{}\n", request.prefix.size(), request.prefix);
  for (const std::string& flag : request.flags) text += flag + "\n";
  for (const CompileUnit& unit : request.units)
    text += fmt::format("{}\n{}\n{}\n", unit.name, unit.text.size(), unit.text);
  return text;
}

// The whole key is kept beside the object and compared: a hash alone could be made to collide.
bool CompileService::Has(const std::filesystem::path& folder, const std::string& name, const std::string& key) {
  const auto text = ReadFile(folder / (name + ".key"), kMostObject);
  if (!text || *text != key) return false;
  // What was used last is what is kept longest.
  std::error_code ignored;
  for (const char* part : {".key", ".so", ".gch"}) {
    std::filesystem::last_write_time(folder / (name + part), std::filesystem::file_time_type::clock::now(), ignored);
  }
  return true;
}

bool CompileService::IsCompiled(const CompileRequest& request) const {
  const std::string key = Key(request);
  const std::string name = ContentHash(key);
  return Failure(key) || Has(exposed_, name, key) || (!cache_.empty() && Has(cache_, name, key));
}

std::optional<CompileResult> CompileService::Failure(const std::string& key) const {
  const std::lock_guard lock(shared_->mutex);
  const auto found = shared_->failures.find(key);
  if (found == shared_->failures.end()) return std::nullopt;
  CompileResult failure = found->second;
  failure.cached = true;
  return failure;
}

Result<CompileResult> CompileService::Compile(const CompileRequest& request) {
  const double begin = SystemClock().Now();
  const std::string key = Key(request);
  if (auto failure = Failure(key)) return *std::move(failure);
  const std::string name = ContentHash(key);
  const std::filesystem::path object = exposed_ / (name + ".so");
  CompileResult result{.object = object, .cached = true};
  if (!Has(exposed_, name, key)) {
    Result<std::string> kept = UsageError("");
    if (!cache_.empty() && Has(cache_, name, key)) kept = ReadFile(cache_ / (name + ".so"), kMostObject);
    if (kept) {
      KOPT_CHECK(WriteFile(object, *kept));
    } else {
      KOPT_TRY(result, Build(request, object));
    }
    if (result.kind == CompileResult::Kind::kObject) {
      KOPT_CHECK(WriteFile(exposed_ / (name + ".key"), key));
      if (!kept && !cache_.empty()) KOPT_CHECK(WriteFile(cache_ / (name + ".key"), key));
    } else {
      const std::lock_guard lock(shared_->mutex);
      shared_->failures[key] = result;
    }
  }
  result.seconds = SystemClock().Now() - begin;
  return result;
}

// The file to include for the request's prefix. The compiler takes the precompiled form that lies beside it.
Result<std::filesystem::path> CompileService::Header(const CompileRequest& request) {
  const std::lock_guard lock(shared_->precompiling);
  const std::string key = Key({.prefix = request.prefix, .flags = request.flags});
  const std::string name = ContentHash(key);
  const std::filesystem::path folder = headers_ / name;
  std::filesystem::path header = folder / "prefix.h";
  std::error_code error;
  if (std::filesystem::exists(header, error)) return header;
  std::filesystem::create_directories(folder, error);
  chmod(folder.c_str(), 0755);
  const std::filesystem::path precompiled = folder / "prefix.h.gch";
  const bool cached = !cache_.empty() && Has(cache_, name, key) &&
                      std::filesystem::copy_file(cache_ / (name + ".gch"), precompiled,
                                                 std::filesystem::copy_options::overwrite_existing, error);
  if (!cached) {
    KOPT_TRY(const std::string made, Precompile(request));
    KOPT_CHECK(WriteFile(precompiled, made));
    if (!cache_.empty()) {
      KOPT_CHECK(WriteFile(cache_ / (name + ".gch"), made));
      KOPT_CHECK(WriteFile(cache_ / (name + ".key"), key));
    }
  }
  KOPT_CHECK(WriteFile(header, request.prefix));  // last: it says that the folder is complete
  return header;
}

std::vector<std::string> CompileService::Command(const CompileRequest& request,
                                                 const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{compiler_.path};
  command.insert(command.end(), request.flags.begin(), request.flags.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

Result<std::string> CompileService::Precompile(const CompileRequest& request) {
  KOPT_TRY(const TemporaryFolder folder, TemporaryFolder::CreateIn(folder_->path(), "compile"));
  KOPT_CHECK(WriteFile(folder.path() / "prefix.h", request.prefix));
  const auto command = Command(request, {"-x", "c++-header", "prefix.h", "-o", "prefix.h.gch"});
  KOPT_TRY(const RunResult run, Run(folder.path(), command, kPrecompileSeconds));
  if (!run.Succeeded()) {
    return std::unexpected(Error{.exit = Exit::kEnvironment,
                                 .message = "the compiler cannot build the headers that candidates use: " +
                                            (run.timed_out ? "it does not end" : FirstError(run.log)),
                                 .hint = "reinstall it: apt-get install --reinstall g++",
                                 .log = run.log});
  }
  return ReadMade(folder.path() / "prefix.h.gch");
}

Result<CompileResult> CompileService::Build(const CompileRequest& request, const std::filesystem::path& object) {
  std::filesystem::path header;
  if (!request.prefix.empty()) {
    if (!request.screen) return InternalError("a prefix is for units that are screened");
    KOPT_TRY(header, Header(request));
  }
  const double deadline = SystemClock().Now() + request.seconds;
  KOPT_TRY(const TemporaryFolder folder, TemporaryFolder::CreateIn(folder_->path(), "compile"));
  KOPT_CHECK(WriteFile(folder.path() / "exports", kVersionScript));
  for (const CompileUnit& unit : request.units) KOPT_CHECK(WriteFile(folder.path() / unit.name, unit.text));

  if (!request.quoted.name.empty()) KOPT_CHECK(WriteFile(folder.path() / request.quoted.name, request.quoted.text));

  CompileResult result;
  const auto failed = [&](const RunResult& run) {
    result.kind = run.timed_out ? CompileResult::Kind::kTimeout : CompileResult::Kind::kErrors;
    result.log = run.log;
    result.reason = run.timed_out ? fmt::format("the compiler did not finish in {} s", request.seconds)
                    : run.flooded ? fmt::format("the compiler printed more than {} MB", kMostLog >> 20)
                    : WIFSIGNALED(run.wait_status)
                        ? fmt::format("the compiler was ended by signal {} ({})", WTERMSIG(run.wait_status),
                                      strsignal(WTERMSIG(run.wait_status)))
                        : FirstError(run.log);
  };
  std::vector<std::string> sources;
  for (const CompileUnit& unit : request.units) sources.push_back(unit.name);
  if (request.screen) {
    auto command = Command(request, {"-E", sources[0], "-o", "preprocessed.ii"});
    if (!header.empty()) command.insert(command.end(), {"-fpch-preprocess", "-include", header.string()});
    KOPT_TRY(const RunResult run, Run(folder.path(), command, deadline - SystemClock().Now()));
    if (!run.Succeeded()) {
      failed(run);
      return result;
    }
    KOPT_TRY(const std::string text, ReadMade(folder.path() / "preprocessed.ii"));
    if (auto screened = ScreenPreprocessed(text, request.quoted.name); !screened) {
      result.kind = CompileResult::Kind::kRejected;
      result.reason = screened.error().Text();
      return result;
    }
    sources[0] = "preprocessed.ii";
  }
  auto command = Command(request, {"-fpch-preprocess", "-fdiagnostics-color=never", "-fmax-errors=20", "-shared",
                                   "-Wl,--version-script=exports", "-Wl,-z,now", "-Wl,-z,noexecstack",
                                   "-Wl,--as-needed", "-o", "object.so"});
  command.insert(command.end(), sources.begin(), sources.end());
  KOPT_TRY(const RunResult run, Run(folder.path(), command, deadline - SystemClock().Now()));
  if (!run.Succeeded()) {
    failed(run);
    return result;
  }
  result.log = run.log;
  KOPT_TRY(const std::string built, ReadMade(folder.path() / "object.so"));
  if (request.screen) {
    auto forbidden = ForbiddenImports(built);
    if (!forbidden || !forbidden->empty()) {
      result.kind = CompileResult::Kind::kRejected;
      result.reason = !forbidden ? forbidden.error().message
                                 : fmt::format("it uses `{}`, which a candidate may not import", forbidden->front());
      return result;
    }
  }
  KOPT_CHECK(WriteFile(object, built));
  if (!cache_.empty()) KOPT_CHECK(WriteFile(cache_ / object.filename(), built));
  result.object = object;
  return result;
}

Result<std::string> CompileService::VectorisationLog(const CompileRequest& request) {
  KOPT_TRY(const std::filesystem::path header, Header(request));
  KOPT_TRY(const TemporaryFolder folder, TemporaryFolder::CreateIn(folder_->path(), "compile"));
  const CompileUnit& unit = request.units.front();
  KOPT_CHECK(WriteFile(folder.path() / unit.name, unit.text));
  const auto command = Command(request, {"-include", header.string(), "-w", "-fdiagnostics-color=never",
                                         "-fopt-info-vec-optimized", "-S", unit.name, "-o", "unit.s"});
  KOPT_TRY(RunResult run, Run(folder.path(), command, request.seconds));
  if (!run.Succeeded()) return EnvironmentError("the compiler does not say which loops it vectorises");
  return std::move(run.log);
}

Result<CompileService::RunResult> CompileService::Run(const std::filesystem::path& folder,
                                                      std::vector<std::string> command, double seconds) {
  const uint32_t slot = NextSlot();
  if (geteuid() == 0) {
    const uid_t id = sandbox::UidOfSlot(slot);
    if (chown(folder.c_str(), id, id) != 0) {
      return EnvironmentError(fmt::format("cannot hand {} to the compiler: {}", folder.string(), std::strerror(errno)));
    }
  }
  KOPT_CHECK(StartGuard(worker_));
  KOPT_TRY(auto pipe, MakePipe());
  SpawnOptions spawn{.command = {worker_, "run", fmt::format("{}", slot), sandbox_ ? "1" : "0",
                                 fmt::format("{}", static_cast<int>(seconds) + 10), folder.string()},
                     .environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=" + folder.string()},
                     .output = pipe.second.get(),
                     .errors = pipe.second.get()};
  for (const std::string& path : ToolchainFolders(compiler_)) spawn.command.push_back(path);
  spawn.command.push_back(headers_.string());
  spawn.command.emplace_back("--");
  spawn.command.insert(spawn.command.end(), command.begin(), command.end());
  KOPT_TRY(ProcessGroup group, ProcessGroup::Spawn(spawn));
  pipe.second.Close();

  RunResult result;
  CappedReader reader(kLogKept);
  const double deadline = SystemClock().Now() + std::max(seconds, 0.1);
  while (true) {
    const double left = deadline - SystemClock().Now();
    result.timed_out = left <= 0;
    result.flooded = reader.total() > kMostLog;
    if (result.timed_out || result.flooded) break;
    pollfd item{.fd = pipe.first.get(), .events = POLLIN, .revents = 0};
    if (poll(&item, 1, static_cast<int>(left * 1000) + 1) > 0 && !reader.Drain(pipe.first.get())) break;
  }
  if (!result.timed_out && !result.flooded &&
      !group.WaitFor(std::max(0.1, deadline - SystemClock().Now()), result.wait_status)) {
    result.timed_out = true;
  }
  group.Kill();
  result.log = reader.text();
  if (WIFEXITED(result.wait_status) && WEXITSTATUS(result.wait_status) == 96 && !result.timed_out) {
    return EnvironmentError(fmt::format("the compiler's sandbox cannot be set up: {}", result.log),
                            "kopt doctor says what is missing");
  }
  return result;
}

}  // namespace kopt
