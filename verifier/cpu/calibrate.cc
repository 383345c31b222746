// The machine's peaks, by the same worker, clock and batches as any candidate.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/lane.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cpu/measure.h"
#include "verifier/cpu/session.h"

namespace kopt {

extern const std::string_view kCalibrationText;  // embedded: calibration_kernels.inc

namespace {

constexpr int kRead = 0, kWrite = 1, kCopy = 2, kFloats = 3, kDoubles = 4, kInts = 5;
constexpr double kBatchSeconds = 0.02;
constexpr double kDeadline = 20;
constexpr size_t kBytes = size_t{32} << 20;  // that a batch moves
constexpr int kBatches = 4;
constexpr int kPasses = 3;
constexpr double kClearly = 0.1;
constexpr int kOperationsPerRound = 12 * 2;  // chains, multiply and add
// From what the inner caches hold to what they do not: the best rate is the peak, whatever the task's size.
constexpr size_t kSizes[] = {size_t{1} << 18, size_t{1} << 20, size_t{1} << 22, size_t{1} << 24};

struct Probe {
  Session& session;
  Arenas& arenas;
};

// Seconds per call: the shortest batch of distinct buffers, the shortest empty one subtracted. What disturbs a batch
// only makes it longer, and a peak that is too low would put honest kernels into quarantine; one that is too high
// cannot come of this, because no batch has less around its calls than the shortest empty one. Nothing if the calls do
// not clearly take longer than that.
Result<std::optional<double>> SecondsPerCall(Probe& probe, int stub, size_t bytes, long long count, size_t calls) {
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
  const double least = std::ranges::min(empty);
  const double all = std::ranges::min(seconds) - least;
  if (all <= kClearly * least) return std::nullopt;
  return all / static_cast<double>(calls);
}

// Bytes per second; 0 if no size could be timed.
Result<double> Bandwidth(Probe& probe, int stub, double bytes_per_byte) {
  double best = 0;
  for (const size_t bytes : kSizes) {
    const size_t calls = std::clamp<size_t>(kBytes / bytes, 2, 64);
    KOPT_TRY(const auto seconds,
             SecondsPerCall(probe, stub, bytes, static_cast<long long>(bytes / sizeof(float)), calls));
    if (seconds) best = std::max(best, bytes_per_byte * static_cast<double>(bytes) / *seconds);
  }
  return best;
}

// Operations per second; 0 if they could not be timed.
Result<double> Rate(Probe& probe, int stub, int lanes, int threads) {
  long long rounds = 1'000'000;
  double rate = 0;
  for (int i = 0; i < 4; ++i) {
    KOPT_TRY(const auto seconds, SecondsPerCall(probe, stub, 128, rounds, 1));
    if (seconds) rate = static_cast<double>(rounds) * kOperationsPerRound * lanes * threads / *seconds;
    if (seconds && *seconds >= 0.5 * kBatchSeconds) break;
    const double factor = seconds ? std::min(100.0, 1.2 * kBatchSeconds / *seconds) : 10;
    rounds = static_cast<long long>(static_cast<double>(rounds) * factor);
  }
  return rate;
}

Result<void> MeasureBandwidths(Probe& probe, Peaks& peaks) {
  KOPT_TRY(const double read, Bandwidth(probe, kRead, 1));
  KOPT_TRY(const double write, Bandwidth(probe, kWrite, 1));
  KOPT_TRY(const double copy, Bandwidth(probe, kCopy, 2));
  peaks.read_bytes = std::max(peaks.read_bytes, read);
  peaks.write_bytes = std::max(peaks.write_bytes, write);
  peaks.copy_bytes = std::max(peaks.copy_bytes, copy);
  return {};
}

Result<void> MeasureRates(Probe& probe, int threads, Peaks& peaks) {
  constexpr int kStubs[] = {kFloats, kDoubles, kInts};
  constexpr int kLanes[] = {16, 8, 16};
  for (size_t i = 0; i < peaks.flops.size(); ++i) {
    KOPT_TRY(const double rate, Rate(probe, kStubs[i], kLanes[i], threads));
    peaks.flops[i].second = std::max(peaks.flops[i].second, rate);
  }
  return {};
}

// `peaks`, or better ones, by the best of several passes: what disturbs one rarely disturbs all.
Result<Peaks> Calibrate(const VerifierOptions& options, Lane& lane, Peaks peaks, bool rates) {
  const auto threads = static_cast<int>(CpuDevice().values.at("THREADS"));
  const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
  KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
  KOPT_TRY(
      const CompileResult compiled,
      compiler.Compile({.units = {{"calibration.cpp", std::string(kCalibrationText)}}, .flags = CandidateFlags()}));
  if (compiled.kind != CompileResult::Kind::kObject) {
    return std::unexpected(
        Error{.message = "the calibration kernels do not compile: " + compiled.reason, .log = compiled.log});
  }
  const Lane::Hold hold = lane.Alone();
  KOPT_TRY(
      auto session,
      Session::Start({.worker = worker, .object = compiled.object, .sandbox = options.sandbox, .threads = threads}));
  std::string reason;
  if (session->Load(reason).kind != BatchEnd::Kind::kDone)
    return InternalError("the calibration kernels do not load: " + reason);
  KOPT_TRY(Arenas arenas, Arenas::Create());
  Probe probe{*session, arenas};
  for (int pass = 0; pass < kPasses; ++pass) {
    KOPT_CHECK(CheckInterrupt(options));
    KOPT_CHECK(MeasureBandwidths(probe, peaks));
    if (rates) KOPT_CHECK(MeasureRates(probe, threads, peaks));
  }
  return peaks;
}

}  // namespace

Result<Peaks> CalibrateCpu(const VerifierOptions& options) {
  KOPT_TRY(Lane lane, Lane::Open("cpu", options.interrupts));
  return Calibrate(options, lane, {.flops = {{"f32", 0}, {"f64", 0}, {"i32", 0}}}, true);
}

Result<Peaks> CalibrateBandwidths(const VerifierOptions& options, Lane& lane) {
  return Calibrate(options, lane, options.peaks, false);
}

}  // namespace kopt
