#include "verifier/cuda/pc_samples.h"

#include <cstdlib>
#include <filesystem>

namespace kopt {
namespace {

constexpr size_t kMostPcs = 1 << 16;
constexpr size_t kHardwareBytes = size_t{32} << 20;
constexpr std::string_view kPrefix = "smsp__pcsamp_warps_issue_stalled_";
constexpr std::string_view kIdle = "_not_issued";  // of a reason: samples in cycles in which no warp was issued

// Room for `pcs` instructions in the form that CUPTI fills.
struct Room {
  Room(size_t pcs, size_t reasons) : stalls(pcs * reasons), rows(pcs) {
    for (size_t i = 0; i < pcs; ++i) {
      rows[i].size = sizeof(CUpti_PCSamplingPCData);
      rows[i].stallReason = &stalls[i * reasons];
    }
    data.size = sizeof(CUpti_PCSamplingData);
    data.collectNumPcs = pcs;
    data.pPcData = rows.data();
  }
  std::vector<CUpti_PCSamplingStallReason> stalls;
  std::vector<CUpti_PCSamplingPCData> rows;
  CUpti_PCSamplingData data{};
};

class Sampler {
 public:
  Sampler(const Cupti& cupti, CUcontext context) : cupti_(cupti), context_(context) {}
  ~Sampler() {
    if (!enabled_) return;
    auto params = With<CUpti_PCSamplingDisableParams>(CUpti_PCSamplingDisableParamsSize);
    cupti_.cuptiPCSamplingDisable(&params);
  }
  Result<void> Enable(unsigned period) {
    auto params = With<CUpti_PCSamplingEnableParams>(CUpti_PCSamplingEnableParamsSize);
    KOPT_CHECK(cupti_.Check(cupti_.cuptiPCSamplingEnable(&params), "taking samples"));
    enabled_ = true;
    KOPT_CHECK(TakeReasons());
    return Configure(period);
  }
  Result<void> Start() {
    auto params = With<CUpti_PCSamplingStartParams>(CUpti_PCSamplingStartParamsSize);
    return cupti_.Check(cupti_.cuptiPCSamplingStart(&params), "starting to take samples");
  }
  Result<void> Stop() {
    auto params = With<CUpti_PCSamplingStopParams>(CUpti_PCSamplingStopParamsSize);
    return cupti_.Check(cupti_.cuptiPCSamplingStop(&params), "ending to take samples");
  }
  Result<std::vector<PcSamples>> Take() {
    Room room(kMostPcs, names_.size());
    std::vector<PcSamples> samples;
    do {
      auto params = With<CUpti_PCSamplingGetDataParams>(CUpti_PCSamplingGetDataParamsSize);
      params.pcSamplingData = &room.data;
      KOPT_CHECK(cupti_.Check(cupti_.cuptiPCSamplingGetData(&params), "reading samples"));
      for (size_t i = 0; i < room.data.totalNumPcs; ++i) samples.push_back(SamplesOf(room.rows[i]));
    } while (room.data.totalNumPcs > 0 && room.data.remainingNumPcs > 0);
    return samples;
  }

 private:
  template <class Params>
  Params With(size_t size) const {
    auto params = CuptiParams<Params>(size);
    params.ctx = context_;
    return params;
  }

  Result<void> TakeReasons() {
    size_t count = 0;
    auto number = With<CUpti_PCSamplingGetNumStallReasonsParams>(CUpti_PCSamplingGetNumStallReasonsParamsSize);
    number.numStallReasons = &count;
    KOPT_CHECK(cupti_.Check(cupti_.cuptiPCSamplingGetNumStallReasons(&number), "the reasons for waiting"));
    std::vector<uint32_t> indices(count);
    std::vector<std::vector<char>> names(count, std::vector<char>(CUPTI_STALL_REASON_STRING_SIZE));
    std::vector<char*> pointers;
    for (auto& name : names) pointers.push_back(name.data());
    auto reasons = With<CUpti_PCSamplingGetStallReasonsParams>(CUpti_PCSamplingGetStallReasonsParamsSize);
    reasons.numStallReasons = count;
    reasons.stallReasonIndex = indices.data();
    reasons.stallReasons = pointers.data();
    KOPT_CHECK(cupti_.Check(cupti_.cuptiPCSamplingGetStallReasons(&reasons), "the reasons for waiting"));
    for (size_t i = 0; i < count; ++i) names_[indices[i]] = names[i].data();
    return {};
  }

  Result<void> Configure(unsigned period) {
    kept_ = std::make_unique<Room>(1, names_.size());
    std::vector<CUpti_PCSamplingConfigurationInfo> settings;
    const auto add = [&](CUpti_PCSamplingConfigurationAttributeType type) -> auto& {
      settings.push_back({});
      settings.back().attributeType = type;
      return settings.back().attributeData;
    };
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_PERIOD).samplingPeriodData.samplingPeriod = period;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_COLLECTION_MODE).collectionModeData.collectionMode =
        CUPTI_PC_SAMPLING_COLLECTION_MODE_CONTINUOUS;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_ENABLE_START_STOP_CONTROL)
        .enableStartStopControlData.enableStartStopControl = 1;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_HARDWARE_BUFFER_SIZE).hardwareBufferSizeData.hardwareBufferSize =
        kHardwareBytes;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SCRATCH_BUFFER_SIZE).scratchBufferSizeData.scratchBufferSize =
        kHardwareBytes;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_OUTPUT_DATA_FORMAT).outputDataFormatData.outputDataFormat =
        CUPTI_PC_SAMPLING_OUTPUT_DATA_FORMAT_PARSED;
    add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_DATA_BUFFER).samplingDataBufferData.samplingDataBuffer =
        &kept_->data;
    auto params = With<CUpti_PCSamplingConfigurationInfoParams>(CUpti_PCSamplingConfigurationInfoParamsSize);
    params.numAttributes = settings.size();
    params.pPCSamplingConfigurationInfo = settings.data();
    return cupti_.Check(cupti_.cuptiPCSamplingSetConfigurationAttribute(&params), "setting up samples");
  }

  PcSamples SamplesOf(const CUpti_PCSamplingPCData& row) const {
    PcSamples samples{.kernel = row.functionName != nullptr ? row.functionName : "", .offset = row.pcOffset};
    for (size_t i = 0; i < row.stallReasonCount; ++i) {
      const auto name = names_.find(row.stallReason[i].pcSamplingStallReasonIndex);
      if (name == names_.end() || !name->second.starts_with(kPrefix) || name->second.ends_with(kIdle)) continue;
      samples.waits[name->second.substr(kPrefix.size())] += row.stallReason[i].samples;
    }
    return samples;
  }

  const Cupti& cupti_;
  CUcontext context_;
  bool enabled_ = false;
  std::map<uint32_t, std::string> names_;
  std::unique_ptr<Room> kept_;  // what CUPTI fills when it is disabled; nobody reads it
};

}  // namespace

uint64_t PcSamples::Sum() const {
  uint64_t sum = 0;
  for (const auto& [reason, count] : waits) sum += count;
  return sum;
}

Result<std::vector<PcSamples>> SamplePcs(const Cupti& cupti, CUcontext context, unsigned period,
                                         const std::function<void()>& load, const std::function<void()>& run) {
  Sampler sampler(cupti, context);
  KOPT_CHECK(sampler.Enable(period));
  load();
  KOPT_CHECK(sampler.Start());
  run();
  KOPT_CHECK(sampler.Stop());
  return sampler.Take();
}

int LineOf(const Cupti& cupti, std::string_view cubin, const PcSamples& at, std::string_view file) {
  auto params = CuptiParams<CUpti_GetSassToSourceCorrelationParams>(CUpti_GetSassToSourceCorrelationParamsSize);
  params.cubin = cubin.data();
  params.cubinSize = cubin.size();
  params.functionName = at.kernel.c_str();
  params.pcOffset = at.offset;
  if (cupti.cuptiGetSassToSourceCorrelation(&params) != CUPTI_SUCCESS) return 0;
  const bool here = params.fileName != nullptr && std::filesystem::path(params.fileName).filename() == file;
  std::free(params.fileName);
  std::free(params.dirName);
  return here ? static_cast<int>(params.lineNumber) : 0;
}

}  // namespace kopt
