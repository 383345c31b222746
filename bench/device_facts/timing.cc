// Facts of time: flushes, clocks, events against kernel records, and what the steps around a timed call cost.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "bench/device_facts/gpu.h"
#include "verifier/cuda/kernel_records.h"

namespace kopt::facts {
namespace {

constexpr int kRepeats = 31;
using U64 = unsigned long long;

std::string Text(const Quartiles& q) { return fmt::format("{:7.2f} [{:.2f}, {:.2f}]", q.median, q.low, q.high); }

// Buffers that flush the L2 cache.
struct Flusher {
  Gpu& gpu;
  CUdeviceptr clean = gpu.Allocate(size_t{512} << 20), sink = gpu.Allocate(16);
  unsigned grid = static_cast<unsigned>(gpu.sms()) * 4;
  void Read(size_t bytes) { gpu.Launch("read_flush", grid, 512, 0, clean, U64{bytes / 16}, sink); }
  void Write(size_t bytes) { gpu.Check(gpu.driver().cuMemsetD8Async(clean, 1, bytes, gpu.stream()), "memset"); }
};

}  // namespace

void Flushes() {
  Gpu gpu;
  Flusher flusher{gpu};
  BlockedTimer timer(gpu);
  const CUdeviceptr from = gpu.Allocate(size_t{256} << 20, 3), to = gpu.Allocate(size_t{256} << 20);
  const auto measure = [&](const auto& prepare, const auto& launch) {
    std::vector<double> times;
    for (int i = 0; i < kRepeats; ++i) {
      prepare();
      gpu.Synchronise();
      times.push_back(timer.Time(launch));
    }
    return Text(QuartilesOf(times));
  };
  const size_t mega = size_t{1} << 20;
  fmt::print("  copies, us: size | warm | after writing 240 MB | after reading 60, 120, 240 MB\n");
  for (const size_t size : {8 * mega, 16 * mega, 64 * mega, 256 * mega}) {
    const auto copy = [&] { gpu.Launch("copy", flusher.grid, 512, 0, from, to, U64{size / 16}); };
    fmt::print("  {:4} MB | {} | {} | {} | {} | {}\n", size / mega, measure([&] { copy(); }, copy),
               measure([&] { flusher.Write(240 * mega); }, copy), measure([&] { flusher.Read(60 * mega); }, copy),
               measure([&] { flusher.Read(120 * mega); }, copy), measure([&] { flusher.Read(240 * mega); }, copy));
  }
  fmt::print(
      "  reading 24 MB, us: warm | after a read flush of 120 MB | loaded with evict_last, then 60, 120, 240, 480 MB "
      "| and persisting lines reset\n");
  const U64 count = 24 * mega / 16;
  const auto read = [&] { gpu.Launch("read_flush", flusher.grid, 512, 0, from, count, flusher.sink); };
  const auto keep = [&] { gpu.Launch("read_evict_last", flusher.grid, 512, 0, from, count, flusher.sink); };
  const auto kept = [&](size_t bytes, bool reset) {
    return measure(
        [&] {
          keep();
          if (reset) {
            gpu.Synchronise();
            gpu.Check(gpu.driver().cuCtxResetPersistingL2Cache(), "reset");
          }
          flusher.Read(bytes);
        },
        read);
  };
  fmt::print("  {} | {} | {} | {} | {} | {} | {}\n", measure(read, read),
             measure([&] { flusher.Read(120 * mega); }, read), kept(60 * mega, false), kept(120 * mega, false),
             kept(240 * mega, false), kept(480 * mega, false), kept(120 * mega, true));
}

// For `ncu --clock-control none --cache-control all`, which cannot look into a blocked stream.
void Copies() {
  Gpu gpu;
  const CUdeviceptr from = gpu.Allocate(size_t{256} << 20, 3), to = gpu.Allocate(size_t{256} << 20);
  for (const size_t size : {8, 16, 64, 256}) {
    for (int i = 0; i < 7; ++i) {
      gpu.Launch("copy", static_cast<unsigned>(gpu.sms()) * 4, 512, 0, from, to, U64{(size << 20) / 16});
    }
  }
  gpu.Synchronise();
  fmt::print("  7 copies each of 8, 16, 64 and 256 MB\n");
}

void KillEndless() {
  const pid_t child = fork();
  if (child == 0) {
    Gpu gpu;
    gpu.Launch("endless", static_cast<unsigned>(gpu.sms()), 1024, 0, gpu.Allocate(4));
    gpu.Synchronise();
    _exit(0);
  }
  sleep(3);
  const double begin = Now();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  const double reaped = Now();
  fmt::print("  reaped after {:.0f} ms\n", (reaped - begin) * 1e3);
  const pid_t next = fork();
  if (next == 0) {
    Gpu gpu;
    const double made = Now();
    gpu.Launch("empty", 1, 1, 0);
    gpu.Synchronise();
    fmt::print(
        "  the next process has compiled and has a context {:.0f} ms later, and ran a kernel {:.1f} ms after that\n",
        (made - reaped) * 1e3, (Now() - made) * 1e3);
    _exit(0);
  }
  waitpid(next, nullptr, 0);
}

void ClockRamp() {
  Gpu gpu;
  const CUdeviceptr out = gpu.Allocate(16);
  const double begin = Now();
  double next = 0;
  while (Now() - begin < 1.0) {
    gpu.Launch("spin", static_cast<unsigned>(gpu.sms()) * 2, 256, 0, U64{400000}, out);
    gpu.Synchronise();
    if (Now() - begin < next) continue;
    const auto nanoseconds = static_cast<double>(gpu.Read<U64>(out));
    const auto cycles = static_cast<double>(gpu.Read<U64>(out + 8));
    fmt::print("  {:6.1f} ms after the first launch: {:.0f} MHz\n", (Now() - begin) * 1e3, cycles / nanoseconds * 1e3);
    next = (Now() - begin) * 1.6;
  }
  usleep(500000);
  gpu.Launch("spin", static_cast<unsigned>(gpu.sms()) * 2, 256, 0, U64{400000}, out);
  gpu.Synchronise();
  fmt::print("  after 500 ms of idling: {:.0f} MHz\n",
             static_cast<double>(gpu.Read<U64>(out + 8)) / static_cast<double>(gpu.Read<U64>(out)) * 1e3);
}

// Does the event behind a dependent launch wait for the launch before it, too?
void Dependents() {
  Gpu gpu;
  BlockedTimer timer(gpu);
  const CUdeviceptr out = gpu.Allocate(16);
  CUlaunchAttribute attribute{};
  attribute.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attribute.value.programmaticStreamSerializationAllowed = 1;
  CUlaunchConfig config{};
  config.gridDimX = config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = 32;
  config.blockDimY = config.blockDimZ = 1;
  config.hStream = gpu.stream();
  config.attrs = &attribute;
  config.numAttrs = 1;
  std::vector<double> alone, followed;
  for (int i = 0; i < kRepeats; ++i) {
    const auto work = [&] { gpu.Launch("early_release", 32, 64, 0, 198000LL, out); };
    alone.push_back(timer.Time(work));
    followed.push_back(timer.Time([&] {
      work();
      gpu.Check(gpu.driver().cuLaunchKernelEx(&config, gpu.Function("empty"), nullptr, nullptr), "a dependent launch");
    }));
  }
  fmt::print("  work that releases its dependents at once, us: alone {}, with an empty dependent behind it {}\n",
             Text(QuartilesOf(alone)), Text(QuartilesOf(followed)));
}

void Events() {
  const char* home = std::getenv("CUDA_HOME");
  const std::string toolkit = home != nullptr ? home : "/usr/local/cuda";
  Gpu gpu;
  Flusher flusher{gpu};
  BlockedTimer timer(gpu);
  const CUdeviceptr out = gpu.Allocate(16), from = gpu.Allocate(64 << 20), to = gpu.Allocate(64 << 20);
  struct Kind {
    const char* name;
    std::function<void()> launch;
  };
  const std::vector<Kind> kinds = {
      {"empty", [&] { gpu.Launch("empty", 1, 32, 0); }},
      {"spin 10 us", [&] { gpu.Launch("spin", 132, 256, 0, U64{19800}, out); }},
      {"copy 64 MB", [&] { gpu.Launch("copy", flusher.grid, 512, 0, from, to, U64{(64 << 20) / 16}); }}};
  std::vector<std::vector<std::string>> plain(kinds.size());
  const auto time = [&](const Kind& kind, int launches) {
    flusher.Read(size_t{120} << 20);
    gpu.Synchronise();
    return timer.Time([&] {
      for (int i = 0; i < launches; ++i) kind.launch();
    });
  };
  for (size_t k = 0; k < kinds.size(); ++k) {
    for (const int launches : {1, 3, 8, 32}) {
      std::vector<double> times;
      for (int i = 0; i < kRepeats; ++i) times.push_back(time(kinds[k], launches));
      plain[k].push_back(Text(QuartilesOf(times)));
    }
  }
  std::vector<double> nothing;
  for (int i = 0; i < kRepeats; ++i) nothing.push_back(timer.Time([] {}));
  fmt::print("  an empty pair of events, us: {}\n", Text(QuartilesOf(nothing)));
  const auto cupti = Cupti::Load(toolkit + "/lib64/libcupti.so", Cupti::For::kRecords);
  auto records = cupti ? KernelRecords::Listen(*cupti) : std::unexpected(cupti.error());
  if (!records) fmt::print("  {}\n", records.error().Text());
  fmt::print("  us: events | events while records are taken | records, first start to last end | sum of records\n");
  for (size_t k = 0; k < kinds.size(); ++k) {
    size_t column = 0;
    for (const int launches : {1, 3, 8, 32}) {
      std::vector<double> times, spans, sums;
      for (int i = 0; records && i < kRepeats; ++i) {
        times.push_back(time(kinds[k], launches));
        std::vector<KernelRecord> ran = records->Take();
        std::erase_if(ran, [](const KernelRecord& r) { return r.name == "read_flush"; });
        if (ran.empty()) continue;
        double sum = 0;
        for (const KernelRecord& r : ran) sum += r.end - r.start;
        spans.push_back((ran.back().end - ran.front().start) * 1e6);
        sums.push_back(sum * 1e6);
      }
      fmt::print("  {:10} x {:2}: {} | {} | {} | {}\n", kinds[k].name, launches, plain[k][column++],
                 times.empty() ? "-" : Text(QuartilesOf(times)), spans.empty() ? "-" : Text(QuartilesOf(spans)),
                 sums.empty() ? "-" : Text(QuartilesOf(sums)));
    }
  }
}

void Costs() {
  const double begin = Now();
  Gpu gpu;
  fmt::print("  driver, context, compile, module: {:.0f} ms\n", (Now() - begin) * 1e3);
  Flusher flusher{gpu};
  BlockedTimer timer(gpu);
  const size_t mega = size_t{1} << 20;
  const auto host = [&](const char* what, int repeats, const auto& body) {
    std::vector<double> times;
    for (int i = 0; i < repeats; ++i) {
      const double start = Now();
      body();
      times.push_back((Now() - start) * 1e6);
    }
    fmt::print("  {}, us: {}\n", what, Text(QuartilesOf(times)));
  };
  host("launch of an empty kernel and wait", 101, [&] {
    gpu.Launch("empty", 1, 32, 0);
    gpu.Synchronise();
  });
  host("blocked pair of events around it", 101, [&] { timer.Time([&] { gpu.Launch("empty", 1, 32, 0); }); });
  host("scrub of 227 KB of every SM and wait", 31, [&] {
    gpu.Launch("fill_shared", static_cast<unsigned>(gpu.sms()), 1024, 227 * 1024, 7U, 227 * 256);
    gpu.Synchronise();
  });
  host("reading 120 MB and wait", 31, [&] {
    flusher.Read(120 * mega);
    gpu.Synchronise();
  });
  host("memset of 64 MB and wait", 31, [&] {
    flusher.Write(64 * mega);
    gpu.Synchronise();
  });
  host("resetting persisting lines", 31, [&] { gpu.Check(gpu.driver().cuCtxResetPersistingL2Cache(), "reset"); });
  host("mapping 64 MB of its own", 9, [&] { Map(gpu, 64 * mega, CU_MEM_ACCESS_FLAGS_PROT_READWRITE); });
  host("module load and unload", 9, [&] {
    CUmodule module = nullptr;
    gpu.Check(gpu.driver().cuModuleLoadDataEx(&module, gpu.cubin().data(), 0, nullptr, nullptr), "module");
    gpu.Check(gpu.driver().cuModuleUnload(module), "module");
  });
  void* pinned = nullptr;
  gpu.Check(gpu.driver().cuMemAllocHost(&pinned, 64 * mega), "pinned");
  host("64 MB to pinned memory", 9, [&] { gpu.Check(gpu.driver().cuMemcpyDtoH(pinned, flusher.clean, 64 * mega)); });
  std::vector<char> pageable(64 * mega);
  host("64 MB to pageable memory", 9,
       [&] { gpu.Check(gpu.driver().cuMemcpyDtoH(pageable.data(), flusher.clean, 64 * mega)); });
  host("registering 64 MB of host memory", 5, [&] {
    gpu.Check(gpu.driver().cuMemHostRegister(pageable.data(), pageable.size(), 0), "register");
    gpu.Check(gpu.driver().cuMemHostUnregister(pageable.data()), "unregister");
  });
}

}  // namespace kopt::facts
