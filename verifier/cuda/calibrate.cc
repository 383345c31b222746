#include <algorithm>

#include "verifier/cuda/cuda_context.h"

namespace kopt {

extern const std::string_view kCudaCalibrationText;  // embedded: calibration_kernels.cu

namespace {

constexpr size_t kBytes = size_t{1} << 30;  // of each of two buffers: many times any cache
constexpr int kRepeats = 15;

struct Rate {
  const char* kernel;
  const char* unit;       // of [work]; empty: a bandwidth
  double per_thread = 0;  // operations of a thread in one launch
};

}  // namespace

Result<Peaks> CalibrateCuda(const VerifierOptions& options) {
  const std::string worker_path = (ProgramFolder() / "kopt-worker-cuda").string();
  KOPT_TRY(const CudaDevice device, FindCudaDevice(options.device));
  KOPT_TRY(CudaCompileService compiler, OpenCompiler(device.architecture, options, CudaCompileOptions().seconds));
  KOPT_TRY(const auto compiled,
           compiler.Compile(std::string(kCudaCalibrationText), CudaCompileService::Prefix::kNumbers));
  if (compiled.kind != CudaCompileResult::Kind::kCubin) {
    return std::unexpected(
        Error{.message = "the calibration kernels do not compile: " + compiled.reason, .log = compiled.log});
  }
  KOPT_TRY(Lane lane, Lane::Open("cuda-" + device.uuid, options.interrupts));
  KOPT_TRY(auto worker, DeviceWorker::Start(worker_path, "run", options.device));
  KOPT_TRY(const Fd memory, MemoryOf(compiled.cubin));
  nlohmann::json names = nlohmann::json::array();
  for (const KernelUsage& kernel : compiled.kernels) names.push_back(kernel.name);
  KOPT_CHECK(Trusted(worker->Ask({{"do", "module"}, {"id", 0}, {"functions", names}}, 30, {memory.get()}),
                     "loading the calibration kernels"));
  const Lane::Hold hold = lane.Alone();
  const auto sms = static_cast<double>(device.limits.multiprocessors);
  // Seconds of the fastest of several launches.
  const auto fastest = [&](const std::string& kernel, double blocks, int threads, int shared) -> Result<double> {
    KOPT_TRY(const DeviceAnswer answer, Trusted(worker->Ask({{"do", "rate"},
                                                             {"module", 0},
                                                             {"function", kernel},
                                                             {"blocks", static_cast<int>(blocks)},
                                                             {"threads", threads},
                                                             {"shared", shared},
                                                             {"bytes", kBytes},
                                                             {"repeats", kRepeats},
                                                             {"seconds", 20}},
                                                            60),
                                                "measuring " + kernel));
    return answer.json.at("us").get<double>() * 1e-6;
  };
  Peaks peaks;
  const auto bandwidth = [&](const std::string& kernel, double buffers) -> Result<double> {
    double best = 0;
    for (const double per_sm : {2.0, 4.0, 8.0, 16.0}) {
      KOPT_TRY(const double seconds, fastest(kernel, sms * per_sm, 512, 0));
      best = std::max(best, buffers * static_cast<double>(kBytes) / seconds);
    }
    return best;
  };
  KOPT_TRY(peaks.read_bytes, bandwidth("kopt_read", 1));
  KOPT_TRY(peaks.write_bytes, bandwidth("kopt_write", 1));
  KOPT_TRY(peaks.copy_bytes, bandwidth("kopt_copy", 2));
  // Operations of a thread: the loops of calibration_kernels.cu.
  const Rate kRates[] = {{"kopt_fma_f64", "f64", 2.0 * 8 * 4096},
                         {"kopt_fma_f32", "f32", 2.0 * 16 * 4096},
                         {"kopt_fma_f16", "f16", 4.0 * 16 * 4096},
                         {"kopt_fma_bf16", "bf16", 4.0 * 16 * 4096},
                         {"kopt_mad_i32", "i32", 2.0 * 16 * 4096}};
  for (const Rate& rate : kRates) {
    KOPT_TRY(const double seconds, fastest(rate.kernel, sms * 8, 256, 0));
    peaks.flops.emplace_back(rate.unit, rate.per_thread * 256 * sms * 8 / seconds);
  }
  // Matrix instructions: m64 n256 a warpgroup, four warps.
  const Rate kMatrix[] = {{"kopt_mma_f16", "f16_tensor", 2.0 * 64 * 256 * 16},
                          {"kopt_mma_bf16", "bf16_tensor", 2.0 * 64 * 256 * 16},
                          {"kopt_mma_tf32", "tf32_tensor", 2.0 * 64 * 256 * 8},
                          {"kopt_mma_fp8", "fp8_tensor", 2.0 * 64 * 256 * 32},
                          {"kopt_mma_i8", "i8_tensor", 2.0 * 64 * 256 * 32}};
  for (const Rate& rate : kMatrix) {
    if (std::ranges::find(compiled.kernels, rate.kernel, &KernelUsage::name) == compiled.kernels.end()) continue;
    constexpr double kLoops = 2048;
    KOPT_TRY(const double seconds, fastest(rate.kernel, sms, 256, 100 * 1024));
    peaks.flops.emplace_back(rate.unit, rate.per_thread * kLoops * 2 * sms / seconds);
  }
  return peaks;
}

}  // namespace kopt
