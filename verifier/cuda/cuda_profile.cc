#include "verifier/cuda/cuda_profile.h"

#include <algorithm>
#include <filesystem>

namespace kopt {
namespace {

using nlohmann::json;

constexpr size_t kMostShapes = 2;
constexpr const char* kDram = "DRAM";

struct Metric {
  const char* name;
  double KernelProfile::* member = nullptr;
  double scale = 1;
  const char* unit = nullptr;  // for UnitUse
};

// The busy ones are of peak over the whole time of a kernel, so that they say what it could gain.
constexpr Metric kMetrics[] = {
    {.name = "gpu__time_duration.sum", .member = &KernelProfile::seconds, .scale = 1e-9},
    {.name = "sm__cycles_elapsed.avg.per_second", .member = &KernelProfile::hertz},
    {.name = "sm__cycles_active.avg.pct_of_peak_sustained_elapsed", .member = &KernelProfile::active, .scale = 0.01},
    {.name = "sm__warps_active.avg.pct_of_peak_sustained_active", .member = &KernelProfile::warps, .scale = 0.01},
    {.name = "dram__bytes_read.sum", .member = &KernelProfile::dram_read},
    {.name = "dram__bytes_write.sum", .member = &KernelProfile::dram_written},
    {.name = "lts__t_sectors_srcunit_tex.sum", .member = &KernelProfile::l2_bytes, .scale = 32},
    {.name = "lts__t_sectors_srcunit_tex_op_read.sum", .member = &KernelProfile::l2_read, .scale = 32},
    {.name = "lts__t_sectors_srcunit_tex_op_read_lookup_hit.sum", .member = &KernelProfile::l2_read_hits, .scale = 32},
    {.name = "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum", .member = &KernelProfile::shared_wavefronts},
    {.name = "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum", .member = &KernelProfile::bank_conflicts},
    {.name = "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio",
     .member = &KernelProfile::load_sectors},
    {.name = "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio",
     .member = &KernelProfile::store_sectors},
    {.name = "l1tex__t_bytes_pipe_lsu_mem_local_op_ld.sum", .member = &KernelProfile::local_bytes},
    {.name = "l1tex__t_bytes_pipe_lsu_mem_local_op_st.sum", .member = &KernelProfile::local_bytes},
    {.name = "dram__throughput.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = kDram},
    {.name = "lts__t_sectors.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = "L2"},
    {.name = "l1tex__data_pipe_lsu_wavefronts.avg.pct_of_peak_sustained_elapsed",
     .scale = 0.01,
     .unit = "shared memory and L1"},
    {.name = "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = "tensor cores"},
    {.name = "sm__inst_executed_pipe_fma.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = "FMA units"},
    {.name = "sm__inst_executed_pipe_alu.avg.pct_of_peak_sustained_elapsed",
     .scale = 0.01,
     .unit = "integer and logic units"},
    {.name = "sm__inst_executed_pipe_xu.avg.pct_of_peak_sustained_elapsed",
     .scale = 0.01,
     .unit = "special function units"},
    {.name = "sm__pipe_fp64_cycles_active.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = "f64 units"},
    {.name = "smsp__issue_active.avg.pct_of_peak_sustained_elapsed", .scale = 0.01, .unit = "instruction issue"}};

KernelProfile KernelOf(const json& row) {
  KernelProfile kernel{.name = row.at("name"),
                       .blocks = row.at("blocks"),
                       .resident_blocks = row.at("resident_blocks"),
                       .most_warps = row.at("most_warps"),
                       .resident_warps = row.at("resident_warps"),
                       .limit = row.at("limit")};
  for (size_t i = 0; i < std::size(kMetrics); ++i) {
    const Metric& metric = kMetrics[i];
    const json& given = row.at("values").at(i);
    const double value = given.is_number() ? given.get<double>() * metric.scale : 0;  // null: not a number
    if (metric.member != nullptr) kernel.*metric.member += value;
    if (metric.unit != nullptr) kernel.units.push_back({.unit = metric.unit, .busy = value});
  }
  return kernel;
}

// The theoretical bandwidth is out of reach: of what the device's memory gave kopt's own kernels.
void CompareWithPeaks(const Peaks& peaks, KernelProfile& kernel) {
  const double bytes = kernel.dram_read + kernel.dram_written;
  const double peak = kernel.dram_written < 0.1 * bytes ? peaks.read_bytes
                      : kernel.dram_read < 0.1 * bytes  ? peaks.write_bytes
                                                        : peaks.copy_bytes;
  const auto dram = std::ranges::find(kernel.units, kDram, &UnitUse::unit);
  if (dram == kernel.units.end() || peak <= 0 || kernel.seconds <= 0) return;
  dram->busy = std::max(dram->busy, bytes / kernel.seconds / peak);
}

nlohmann::ordered_json Counters(const std::string& shape, const KernelProfile& kernel) {
  nlohmann::ordered_json row{{"shape", shape},
                             {"kernel", kernel.name},
                             {"launches", kernel.launches},
                             {"us", kernel.seconds * 1e6},
                             {"mhz", kernel.hertz * 1e-6}};
  for (const UnitUse& unit : kernel.units) row[unit.unit] = unit.busy;
  row["active"] = kernel.active;
  row["occupancy"] = kernel.warps;
  row["dram_read_bytes"] = kernel.dram_read;
  row["dram_written_bytes"] = kernel.dram_written;
  row["l2_bytes"] = kernel.l2_bytes;
  row["l2_read_hits"] = kernel.l2_read > 0 ? kernel.l2_read_hits / kernel.l2_read : 0;
  row["bank_conflicts"] = kernel.bank_conflicts;
  row["local_bytes"] = kernel.local_bytes;
  return row;
}

// The scored shapes that take longest, as measured.
std::vector<const CudaShape*> LongestShapes(const CudaShapes& shapes, const Verdict& verdict) {
  std::vector<std::pair<double, const CudaShape*>> scored;
  for (const CudaShape& shape : shapes) {
    if (!shape.scored) continue;
    const auto samples = std::ranges::find(verdict.samples, shape.number, &ShapeSamples::shape);
    const bool timed = samples != verdict.samples.end() && !samples->quads.empty();
    scored.emplace_back(timed ? samples->quads.back().a2 : 0, &shape);
  }
  std::ranges::stable_sort(scored, std::greater(), &std::pair<double, const CudaShape*>::first);
  std::vector<const CudaShape*> longest;
  for (const auto& [seconds, shape] : scored) {
    if (longest.size() < kMostShapes) longest.push_back(shape);
  }
  return longest;
}

}  // namespace

std::vector<std::string> ProfileMetrics() {
  std::vector<std::string> names;
  for (const Metric& metric : kMetrics) names.emplace_back(metric.name);
  return names;
}

CallProfile CallProfileOf(const json& answer) {
  CallProfile call;
  std::vector<KernelProfile> launches;
  for (const json& row : answer.at("kernels")) launches.push_back(KernelOf(row));
  call.kernels = MergeLaunches(launches);
  for (const json& row : answer.value("lines", json::array())) {
    call.lines.push_back({.kernel = row.at("kernel"), .line = row.at("line"), .waits = row.at("waits")});
  }
  return call;
}

Judged<void> TakeProfile(CudaContext& context, CudaRun& run, const CudaShapes& shapes, const Candidate& candidate,
                         const std::function<Deadline(const Shape&)>& deadline, Verdict& verdict) {
  const Lane::Hold hold = context.lane.Alone();
  auto& lines = verdict.evidence["profile"] = nlohmann::ordered_json::array();
  const std::filesystem::path& cupti = context.toolkit.cupti;
  if (cupti.empty()) {
    lines.push_back("not taken: the CUDA toolkit has no CUPTI here");
    return {};
  }
  auto counters = nlohmann::ordered_json::array();
  for (const CudaShape* shape : LongestShapes(shapes, verdict)) {
    KOPT_TRY(const CudaOracle::Set* set, shape->sets->Get(0));
    const auto asked =
        run.Profile(CudaRun::kCandidate, *shape, *set, cupti.string(), ProfileMetrics(), deadline(*shape->shape));
    // A verdict does not hang on its profile.
    const std::string why = asked ? asked->value("why", "") : Words(asked.error());
    if (!why.empty()) {
      lines.push_back("not taken: " + why);
      break;
    }
    const json& answer = *asked;
    CallProfile call = CallProfileOf(answer);
    for (KernelProfile& kernel : call.kernels) CompareWithPeaks(context.options.peaks, kernel);
    call.shape = ShapeText(context.spec, *shape->shape);
    call.needed_read = shape->task.read_bytes;
    call.needed_written = shape->task.write_bytes;
    for (const KernelProfile& kernel : call.kernels) counters.push_back(Counters(call.shape, kernel));
    for (std::string& line : ProfileLines(call, candidate.source)) lines.push_back(std::move(line));
    if (answer.contains("why_no_lines")) lines.push_back("no samples: " + answer.at("why_no_lines").get<std::string>());
  }
  if (!counters.empty()) verdict.evidence["counters"] = std::move(counters);
  return {};
}

}  // namespace kopt
