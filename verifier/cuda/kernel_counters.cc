#include "verifier/cuda/kernel_counters.h"

#include <utility>

namespace kopt {

KernelCounters::KernelCounters(KernelCounters&& other) noexcept
    : cupti_(other.cupti_),
      metrics_(std::move(other.metrics_)),
      host_(std::exchange(other.host_, nullptr)),
      profiler_(std::exchange(other.profiler_, nullptr)),
      passes_(std::move(other.passes_)),
      data_(std::move(other.data_)) {}

KernelCounters::~KernelCounters() {
  if (profiler_ != nullptr) {
    auto params = CuptiParams<CUpti_RangeProfiler_Disable_Params>(CUpti_RangeProfiler_Disable_Params_STRUCT_SIZE);
    params.pRangeProfilerObject = profiler_;
    cupti_->cuptiRangeProfilerDisable(&params);
  }
  if (host_ != nullptr) {
    auto params =
        CuptiParams<CUpti_Profiler_Host_Deinitialize_Params>(CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE);
    params.pHostObject = host_;
    cupti_->cuptiProfilerHostDeinitialize(&params);
  }
}

Result<KernelCounters> KernelCounters::Open(const Cupti& cupti, CUcontext context, CUdevice device,
                                            std::vector<const char*> metrics, size_t most_launches) {
  KernelCounters counters(cupti);
  counters.metrics_ = std::move(metrics);
  auto start = CuptiParams<CUpti_Profiler_Initialize_Params>(CUpti_Profiler_Initialize_Params_STRUCT_SIZE);
  KOPT_CHECK(cupti.Check(cupti.cuptiProfilerInitialize(&start), "its start"));
  auto chip = CuptiParams<CUpti_Device_GetChipName_Params>(CUpti_Device_GetChipName_Params_STRUCT_SIZE);
  chip.deviceIndex = static_cast<size_t>(device);
  KOPT_CHECK(cupti.Check(cupti.cuptiDeviceGetChipName(&chip), "the chip's name"));
  KOPT_CHECK(counters.PlanPasses(chip.pChipName));
  KOPT_CHECK(counters.Enable(context, most_launches));
  return counters;
}

Result<size_t> KernelCounters::Passes(const Cupti& cupti, const char* chip, std::vector<const char*> metrics) {
  KernelCounters counters(cupti);
  counters.metrics_ = std::move(metrics);
  KOPT_CHECK(counters.PlanPasses(chip));
  auto params =
      CuptiParams<CUpti_Profiler_Host_GetNumOfPasses_Params>(CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE);
  params.configImageSize = counters.passes_.size();
  params.pConfigImage = counters.passes_.data();
  KOPT_CHECK(cupti.Check(cupti.cuptiProfilerHostGetNumOfPasses(&params), "the plan of passes"));
  return params.numOfPasses;
}

Result<void> KernelCounters::PlanPasses(const char* chip) {
  auto host = CuptiParams<CUpti_Profiler_Host_Initialize_Params>(CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE);
  host.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
  host.pChipName = chip;
  KOPT_CHECK(cupti_->Check(cupti_->cuptiProfilerHostInitialize(&host), "this chip's metrics"));
  host_ = host.pHostObject;
  auto add =
      CuptiParams<CUpti_Profiler_Host_ConfigAddMetrics_Params>(CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE);
  add.pHostObject = host_;
  add.ppMetricNames = metrics_.data();
  add.numMetrics = metrics_.size();
  KOPT_CHECK(cupti_->Check(cupti_->cuptiProfilerHostConfigAddMetrics(&add), "kopt's choice of metrics"));
  auto size = CuptiParams<CUpti_Profiler_Host_GetConfigImageSize_Params>(
      CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE);
  size.pHostObject = host_;
  KOPT_CHECK(cupti_->Check(cupti_->cuptiProfilerHostGetConfigImageSize(&size), "the plan of passes"));
  passes_.resize(size.configImageSize);
  auto image =
      CuptiParams<CUpti_Profiler_Host_GetConfigImage_Params>(CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE);
  image.pHostObject = host_;
  image.configImageSize = passes_.size();
  image.pConfigImage = passes_.data();
  return cupti_->Check(cupti_->cuptiProfilerHostGetConfigImage(&image), "the plan of passes");
}

Result<void> KernelCounters::Enable(CUcontext context, size_t most_launches) {
  auto enable = CuptiParams<CUpti_RangeProfiler_Enable_Params>(CUpti_RangeProfiler_Enable_Params_STRUCT_SIZE);
  enable.ctx = context;
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerEnable(&enable), "taking the counters"));
  profiler_ = enable.pRangeProfilerObject;
  auto size = CuptiParams<CUpti_RangeProfiler_GetCounterDataSize_Params>(
      CUpti_RangeProfiler_GetCounterDataSize_Params_STRUCT_SIZE);
  size.pRangeProfilerObject = profiler_;
  size.pMetricNames = metrics_.data();
  size.numMetrics = metrics_.size();
  size.maxNumOfRanges = most_launches;
  size.maxNumRangeTreeNodes = static_cast<uint32_t>(most_launches);
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerGetCounterDataSize(&size), "room for counters"));
  data_.resize(size.counterDataSize);
  auto image = CuptiParams<CUpti_RangeProfiler_CounterDataImage_Initialize_Params>(
      CUpti_RangeProfiler_CounterDataImage_Initialize_Params_STRUCT_SIZE);
  image.pRangeProfilerObject = profiler_;
  image.counterDataSize = data_.size();
  image.pCounterData = data_.data();
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerCounterDataImageInitialize(&image), "room for counters"));
  auto config = CuptiParams<CUpti_RangeProfiler_SetConfig_Params>(CUpti_RangeProfiler_SetConfig_Params_STRUCT_SIZE);
  config.pRangeProfilerObject = profiler_;
  config.configSize = passes_.size();
  config.pConfig = passes_.data();
  config.counterDataImageSize = data_.size();
  config.pCounterDataImage = data_.data();
  config.range = CUPTI_AutoRange;
  config.replayMode = CUPTI_UserReplay;
  config.maxRangesPerPass = most_launches;
  config.numNestingLevels = 1;
  config.minNestingLevel = 1;
  return cupti_->Check(cupti_->cuptiRangeProfilerSetConfig(&config), "setting up the counters");
}

Result<void> KernelCounters::Begin() {
  auto params = CuptiParams<CUpti_RangeProfiler_Start_Params>(CUpti_RangeProfiler_Start_Params_STRUCT_SIZE);
  params.pRangeProfilerObject = profiler_;
  return cupti_->Check(cupti_->cuptiRangeProfilerStart(&params), "starting a pass");
}

Result<bool> KernelCounters::End() {
  auto params = CuptiParams<CUpti_RangeProfiler_Stop_Params>(CUpti_RangeProfiler_Stop_Params_STRUCT_SIZE);
  params.pRangeProfilerObject = profiler_;
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerStop(&params), "ending a pass"));
  if (params.isAllPassSubmitted == 0) return true;
  auto decode = CuptiParams<CUpti_RangeProfiler_DecodeData_Params>(CUpti_RangeProfiler_DecodeData_Params_STRUCT_SIZE);
  decode.pRangeProfilerObject = profiler_;
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerDecodeData(&decode), "reading the counters"));
  if (decode.numOfRangeDropped == 0) return false;
  return EnvironmentError(fmt::format("the counters of {} launches were lost", decode.numOfRangeDropped));
}

Result<std::vector<std::vector<double>>> KernelCounters::Values() const {
  auto info = CuptiParams<CUpti_RangeProfiler_GetCounterDataInfo_Params>(
      CUpti_RangeProfiler_GetCounterDataInfo_Params_STRUCT_SIZE);
  info.pCounterDataImage = data_.data();
  info.counterDataImageSize = data_.size();
  KOPT_CHECK(cupti_->Check(cupti_->cuptiRangeProfilerGetCounterDataInfo(&info), "reading the counters"));
  std::vector<std::vector<double>> values(info.numTotalRanges);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i].resize(metrics_.size());
    auto params = CuptiParams<CUpti_Profiler_Host_EvaluateToGpuValues_Params>(
        CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE);
    params.pHostObject = host_;
    params.pCounterDataImage = data_.data();
    params.counterDataImageSize = data_.size();
    params.rangeIndex = i;
    params.ppMetricNames = const_cast<const char**>(metrics_.data());
    params.numMetrics = metrics_.size();
    params.pMetricValues = values[i].data();
    KOPT_CHECK(cupti_->Check(cupti_->cuptiProfilerHostEvaluateToGpuValues(&params), "reading the counters"));
  }
  return values;
}

}  // namespace kopt
