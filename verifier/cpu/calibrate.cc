// The machine's peaks, by the same worker, clock and batches as any candidate.
#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/lane.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cpu/session.h"

namespace kopt {

extern const std::string_view kCalibrationText;  // embedded: calibration_kernels.inc

namespace {

constexpr int kRead = 0, kWrite = 1, kCopy = 2, kFloats = 3, kDoubles = 4, kInts = 5;
constexpr double kBatchSeconds = 0.02;
constexpr double kDeadline = 20;
constexpr int kBatches = 5;
constexpr int kOperationsPerRound = 12 * 2;  // chains, multiply and add
// From what the inner caches hold to what they do not: the best rate is the peak, whatever the task's size.
constexpr size_t kSizes[] = {size_t{1} << 18, size_t{1} << 20, size_t{1} << 22, size_t{1} << 24, size_t{1} << 26};

struct Probe {
  Session& session;
  Arenas& arenas;
};

// Seconds per call: median over batches of distinct buffers, the empty batch subtracted.
Result<double> SecondsPerCall(Probe& probe, int stub, size_t bytes, long long count, size_t calls) {
  Batch batch;
  for (size_t c = 0; c < calls; ++c) {
    batch.BeginCall();
    const int from = batch.AddBuffer(bytes, false);
    const int to = batch.AddBuffer(std::max<size_t>(bytes, 128), true);
    batch.AddStep(stub, {{.buffer = from}, {.buffer = to}, {.value = static_cast<uint64_t>(count)}});
  }
  KOPT_CHECK(probe.arenas.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  std::vector<double> seconds;
  std::vector<double> empty;
  for (int i = 0; i < kBatches; ++i) {
    for (const bool without : {true, false}) {
      KOPT_TRY(const BatchEnd end,
               probe.session.Run(probe.arenas, batch, {.empty = without, .seconds = kDeadline}, [&] {
                 if (i == 0 && without)
                   std::memset(probe.arenas.read_only().bytes().data(), 1, probe.arenas.read_only().bytes().size());
               }));
      if (end.kind != BatchEnd::Kind::kDone) return InternalError("a calibration kernel did not end well");
      (without ? empty : seconds).push_back(end.seconds);
    }
  }
  return std::max((Median(seconds) - Median(empty)) / static_cast<double>(calls), 1e-9);
}

Result<double> Bandwidth(Probe& probe, int stub, double bytes_per_byte) {
  double best = 0;
  for (const size_t bytes : kSizes) {
    const size_t calls = std::clamp<size_t>((size_t{192} << 20) / bytes, 2, 64);
    KOPT_TRY(const double seconds,
             SecondsPerCall(probe, stub, bytes, static_cast<long long>(bytes / sizeof(float)), calls));
    best = std::max(best, bytes_per_byte * static_cast<double>(bytes) / seconds);
  }
  return best;
}

Result<double> Rate(Probe& probe, int stub, int lanes, int threads) {
  long long rounds = 100'000;
  double seconds = 0;
  for (int i = 0; i < 3; ++i) {
    KOPT_TRY(seconds, SecondsPerCall(probe, stub, 128, rounds, 1));
    if (seconds >= 0.5 * kBatchSeconds) break;
    rounds = static_cast<long long>(static_cast<double>(rounds) * std::min(100.0, 1.2 * kBatchSeconds / seconds));
  }
  return static_cast<double>(rounds) * kOperationsPerRound * lanes * threads / seconds;
}

}  // namespace

Result<Peaks> CalibrateCpu(const VerifierOptions& options) {
  const Device device = CpuDevice();
  const auto threads = static_cast<int>(device.values.at("THREADS"));
  const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
  KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
  KOPT_TRY(
      const CompileResult compiled,
      compiler.Compile({.units = {{"calibration.cpp", std::string(kCalibrationText)}}, .flags = CandidateFlags()}));
  if (compiled.kind != CompileResult::Kind::kObject) {
    return std::unexpected(
        Error{.message = "the calibration kernels do not compile: " + compiled.reason, .log = compiled.log});
  }
  KOPT_TRY(Lane lane, Lane::Open("cpu"));
  const Lane::Hold hold = lane.Alone();
  KOPT_TRY(
      auto session,
      Session::Start({.worker = worker, .object = compiled.object, .sandbox = options.sandbox, .threads = threads}));
  std::string reason;
  if (session->Load(reason).kind != BatchEnd::Kind::kDone)
    return InternalError("the calibration kernels do not load: " + reason);
  KOPT_TRY(Arenas arenas, Arenas::Create());
  Probe probe{*session, arenas};
  Peaks peaks;
  KOPT_TRY(peaks.read_bytes, Bandwidth(probe, kRead, 1));
  KOPT_TRY(peaks.write_bytes, Bandwidth(probe, kWrite, 1));
  KOPT_TRY(peaks.copy_bytes, Bandwidth(probe, kCopy, 2));
  for (const auto& [unit, stub, lanes] :
       {std::tuple("f32", kFloats, 16), std::tuple("f64", kDoubles, 8), std::tuple("i32", kInts, 16)}) {
    KOPT_TRY(const double rate, Rate(probe, stub, lanes, threads));
    peaks.flops.emplace_back(unit, rate);
  }
  return peaks;
}

}  // namespace kopt
