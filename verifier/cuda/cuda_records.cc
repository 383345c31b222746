#include "verifier/cuda/cuda_records.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "verifier/core/conclude.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

constexpr int kRepeats = 3;  // of which the median counts

constexpr double kLeastShare = 0.8;  // of recorded time, which records and a cool device make longer

// `what` took `seconds`.
Refusal Disagreement(const CudaContext& context, const Shape& shape, const char* what, double seconds, double records) {
  Refusal refusal{.outcome = Outcome::kQuarantined, .stage = Stage::kMeasure};
  refusal.reason = fmt::format(
      "the device's own records give {:.1f} us from the first kernel's start to the last one's end, {} {:.1f} us "
      "(shape {})",
      records * 1e6, what, seconds * 1e6, ShapeText(context.spec, shape));
  refusal.evidence["shape"] = ShapeText(context.spec, shape);
  return refusal;
}

}  // namespace

bool RecordsAgree(double events, double records, size_t launches) {
  const double allowed = std::max(0.05 * events, 2e-6 + 1.5e-6 * static_cast<double>(launches));
  return std::abs(records - events) <= allowed;
}

bool IsTooShort(double timed, double records, size_t launches) {
  return timed < kLeastShare * records - (2e-6 + 1.5e-6 * static_cast<double>(launches));
}

Judged<void> CheckRecords(CudaContext& context, CudaRun& run, const CudaShapes& shapes,
                          const std::function<Deadline(const Shape&)>& deadline, Verdict& verdict) {
  const Lane::Hold hold = context.lane.Alone();
  auto& evidence = verdict.evidence["records"] = nlohmann::ordered_json::array();
  const std::filesystem::path& cupti = context.toolkit.cupti;
  if (cupti.empty()) {
    evidence = "no CUPTI";
    return {};
  }
  for (const CudaShape& shape : shapes) {
    if (!shape.scored) continue;
    KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(0));
    std::vector<double> by_records, by_events;
    for (int i = 0; i < kRepeats; ++i) {
      KOPT_TRY(const auto recorded,
               run.Records(CudaRun::kCandidate, shape, *set, cupti.string(), deadline(*shape.shape)));
      if (!recorded) {
        evidence = "no CUPTI";
        return {};
      }
      by_records.push_back(recorded->records);
      by_events.push_back(recorded->events);
    }
    const double records = Median(by_records), events = Median(by_events);
    evidence.push_back(
        {{"shape", ShapeText(context.spec, *shape.shape)}, {"events_us", events * 1e6}, {"records_us", records * 1e6}});
    const size_t launches = run.Launches(CudaRun::kCandidate, *shape.shape);
    if (!RecordsAgree(events, records, launches)) {
      return std::unexpected(Stop(Disagreement(context, *shape.shape, "the events", events, records)));
    }
    if (const double timed = Median(SecondsPerCall(verdict, shape.number, false));
        IsTooShort(timed, records, launches)) {
      return std::unexpected(Stop(Disagreement(context, *shape.shape, "the timed calls", timed, records)));
    }
  }
  return {};
}

}  // namespace kopt
