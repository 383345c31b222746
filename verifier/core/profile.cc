#include "verifier/core/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/printable.h"

namespace kopt {
namespace {

constexpr double kBound = 0.8;   // a unit that is so busy is what bounds a kernel
constexpr double kMostly = 0.6;  // so busy, it is part of what does
constexpr double kIdle = 0.85;   // with less, multiprocessors without work are worth a line
constexpr size_t kUnitsShown = 7;
constexpr size_t kReasonsShown = 4;
constexpr size_t kLinesShown = 4;
constexpr size_t kOthersShown = 4;
constexpr size_t kMostQuoted = 70;

// What CUPTI's reasons mean to somebody who writes kernels.
const std::map<std::string_view, std::string_view> kReasons = {
    {"barrier", "a block's barrier"},
    {"branch_resolving", "a branch's target"},
    {"dispatch_stall", "the dispatcher (register banks, units that take two cycles)"},
    {"drain", "stores to end at exit"},
    {"gmma", "a wgmma's turn (warpgroup.arrive)"},
    {"imc_miss", "constants that are not in their cache"},
    {"lg_throttle", "the queue of accesses to global and local memory"},
    {"long_scoreboard", "data from global or local memory"},
    {"math_pipe_throttle", "a busy arithmetic unit"},
    {"membar", "a memory barrier"},
    {"mio_throttle", "the queue of shared memory and special functions"},
    {"misc", "other things"},
    {"no_instruction", "instructions to be fetched"},
    {"no_instructions", "instructions to be fetched"},
    {"not_selected", "its turn: other warps issue"},
    {"short_scoreboard", "data from shared memory or special functions"},
    {"sleeping", "nanosleep"},
    {"tex_throttle", "the texture unit's queue"},
    {"wait", "the latency of the instruction before"},
    {"warpgroup_arrive", "a wgmma's turn (warpgroup.arrive)"}};
constexpr std::string_view kIssues = "selected";

std::string ReasonText(const std::string& reason) {
  const auto known = kReasons.find(reason);
  return known == kReasons.end() ? reason : std::string(known->second);
}

std::string Percent(double part) { return fmt::format("{:.0f} %", 100 * part); }

std::string Bytes(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}

using Waits = std::map<std::string, uint64_t>;

uint64_t Sum(const Waits& waits) {
  uint64_t sum = 0;
  for (const auto& [reason, count] : waits) sum += count;
  return sum;
}

Waits WaitsOf(const std::string& kernel, const std::vector<LineSamples>& lines) {
  Waits waits;
  for (const LineSamples& line : lines) {
    if (line.kernel != kernel) continue;
    for (const auto& [reason, count] : line.waits) waits[reason] += count;
  }
  return waits;
}

// The most frequent reasons first, without warps that issue.
std::vector<std::pair<std::string, double>> Ranked(const Waits& waits) {
  const auto sum = static_cast<double>(std::max<uint64_t>(Sum(waits), 1));
  std::vector<std::pair<std::string, double>> ranked;
  for (const auto& [reason, count] : waits) {
    if (reason != kIssues && count > 0) ranked.emplace_back(reason, static_cast<double>(count) / sum);
  }
  std::ranges::stable_sort(ranked, std::greater(), &std::pair<std::string, double>::second);
  return ranked;
}

std::vector<UnitUse> Busiest(const KernelProfile& kernel) {
  std::vector<UnitUse> units = kernel.units;
  std::ranges::stable_sort(units, std::greater(), &UnitUse::busy);
  return units;
}

std::string LineOf(std::string_view source, int number) {
  for (; number > 1 && !source.empty(); --number)
    source.remove_prefix(std::min(source.find('\n'), source.size() - 1) + 1);
  std::string_view line = source.substr(0, source.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  std::string text = Printable(line.substr(0, kMostQuoted));
  if (line.size() > kMostQuoted) text += "...";
  return text;
}

void AddWaits(const KernelProfile& kernel, const CallProfile& call, std::vector<std::string>& text) {
  const Waits waits = WaitsOf(kernel.name, call.lines);
  const uint64_t sum = Sum(waits);
  if (sum == 0) return;
  std::string line;
  for (const auto& [reason, part] : Ranked(waits) | std::views::take(kReasonsShown)) {
    if (part < 0.01) break;
    line += fmt::format("{} {}; ", Percent(part), ReasonText(reason));
  }
  const auto issues = waits.find(std::string(kIssues));
  const uint64_t issued = issues == waits.end() ? 0 : issues->second;
  text.push_back(
      fmt::format("warps wait for: {}{} issue", line, Percent(static_cast<double>(issued) / static_cast<double>(sum))));
}

void AddHotLines(const KernelProfile& kernel, const CallProfile& call, std::string_view source,
                 std::vector<std::string>& text) {
  std::vector<const LineSamples*> lines;
  for (const LineSamples& line : call.lines) {
    if (line.kernel == kernel.name && line.line > 0) lines.push_back(&line);
  }
  std::ranges::stable_sort(lines, std::greater(), [](const LineSamples* line) { return Sum(line->waits); });
  const auto all = static_cast<double>(std::max<uint64_t>(Sum(WaitsOf(kernel.name, call.lines)), 1));
  for (size_t i = 0; i < std::min(lines.size(), kLinesShown); ++i) {
    const double part = static_cast<double>(Sum(lines[i]->waits)) / all;
    if (part < 0.03) break;
    const auto ranked = Ranked(lines[i]->waits);
    text.push_back(fmt::format("line {}: {} of the samples{}: {}", lines[i]->line, Percent(part),
                               ranked.empty() ? "" : ", mostly " + ranked.front().first,
                               LineOf(source, lines[i]->line)));
  }
}

std::string OccupancyText(const KernelProfile& kernel) {
  return fmt::format(
      "occupancy: {} of {:.0f} warps on average; blocks that fit a multiprocessor: {:.0f} ({:.0f} warps), limited by "
      "{}; blocks launched: {:.0f}",
      Percent(kernel.warps), kernel.most_warps, kernel.resident_blocks, kernel.resident_warps, kernel.limit,
      kernel.blocks);
}

std::string MemoryText(const KernelProfile& kernel, const CallProfile& call, bool alone) {
  std::string text =
      fmt::format("memory: {} read and {} written in DRAM", Bytes(kernel.dram_read), Bytes(kernel.dram_written));
  if (alone && call.needed_read + call.needed_written > 0) {
    text += fmt::format(" (the task needs {} and {})", Bytes(call.needed_read), Bytes(call.needed_written));
  }
  text += fmt::format("; {} between multiprocessors and L2", Bytes(kernel.l2_bytes));
  if (kernel.l2_read > 0)
    text += fmt::format(", which had {} of what was read", Percent(kernel.l2_read_hits / kernel.l2_read));
  return text;
}

void AddAccesses(const KernelProfile& kernel, std::vector<std::string>& text) {
  if (kernel.load_sectors > 0 || kernel.store_sectors > 0) {
    text.push_back(
        fmt::format("global accesses: {:.1f} sectors of 32 B a load of a warp, {:.1f} a store (4 bytes a "
                    "thread side by side take 4, 16 bytes take 16; more is scattered)",
                    kernel.load_sectors, kernel.store_sectors));
  }
  if (kernel.bank_conflicts > 0.05 * kernel.shared_wavefronts) {
    text.push_back(fmt::format("shared memory: {} of its cycles are bank conflicts",
                               Percent(kernel.bank_conflicts / kernel.shared_wavefronts)));
  }
  if (kernel.local_bytes > 0) {
    text.push_back(fmt::format("local memory (spills, arrays indexed at run time): {} loaded and stored",
                               Bytes(kernel.local_bytes)));
  }
}

void AddDetails(const KernelProfile& kernel, const CallProfile& call, std::string_view source,
                std::vector<std::string>& text) {
  text.push_back(BottleneckOf(kernel, call.lines));
  std::string units;
  for (const UnitUse& unit : Busiest(kernel) | std::views::take(kUnitsShown)) {
    if (unit.busy < 0.01) break;
    units += fmt::format("{}{} {}", units.empty() ? "" : ", ", unit.unit, Percent(unit.busy));
  }
  text.push_back("busy: " + units);
  text.push_back(MemoryText(kernel, call, call.kernels.size() == 1));
  text.push_back(OccupancyText(kernel));
  AddAccesses(kernel, text);
  AddWaits(kernel, call, text);
  AddHotLines(kernel, call, source, text);
}

}  // namespace

std::vector<KernelProfile> MergeLaunches(const std::vector<KernelProfile>& launches) {
  std::vector<KernelProfile> merged;
  for (const KernelProfile& launch : launches) {
    const auto same = std::ranges::find(merged, launch.name, &KernelProfile::name);
    if (same == merged.end()) {
      merged.push_back(launch);
      continue;
    }
    KernelProfile& kernel = *same;
    const double seconds = kernel.seconds + launch.seconds;
    const double part = seconds > 0 ? launch.seconds / seconds : 0;
    const auto average = [part](double& value, double other) { value += part * (other - value); };
    for (size_t i = 0; i < kernel.units.size(); ++i) average(kernel.units[i].busy, launch.units.at(i).busy);
    for (double KernelProfile::* member :
         {&KernelProfile::hertz, &KernelProfile::active, &KernelProfile::warps, &KernelProfile::blocks,
          &KernelProfile::load_sectors, &KernelProfile::store_sectors}) {
      average(kernel.*member, launch.*member);
    }
    for (double KernelProfile::* member :
         {&KernelProfile::dram_read, &KernelProfile::dram_written, &KernelProfile::l2_bytes, &KernelProfile::l2_read,
          &KernelProfile::l2_read_hits, &KernelProfile::shared_wavefronts, &KernelProfile::bank_conflicts,
          &KernelProfile::local_bytes}) {
      kernel.*member += launch.*member;
    }
    kernel.seconds = seconds;
    kernel.launches += launch.launches;
  }
  return merged;
}

std::string BottleneckOf(const KernelProfile& kernel, const std::vector<LineSamples>& lines) {
  const std::vector<UnitUse> units = Busiest(kernel);
  if (units.empty()) return "bound by: not known";
  const UnitUse& most = units.front();
  if (most.busy >= kBound) return fmt::format("bound by: {} ({} busy)", most.unit, Percent(most.busy));
  std::string text =
      most.busy >= kMostly
          ? fmt::format("bound by: {} for the most part ({} busy), and by latency", most.unit, Percent(most.busy))
          : fmt::format("bound by: latency; no unit is busier than {} ({})", Percent(most.busy), most.unit);
  if (kernel.active < kIdle) {
    return text + fmt::format(", and multiprocessors without work in {} of the time", Percent(1 - kernel.active));
  }
  const auto ranked = Ranked(WaitsOf(kernel.name, lines));
  if (!ranked.empty()) text += fmt::format("; warps wait most for {}", ReasonText(ranked.front().first));
  return text;
}

std::vector<std::string> ProfileLines(const CallProfile& call, std::string_view source) {
  if (call.kernels.empty()) return {};
  const auto longest = std::ranges::max_element(call.kernels, {}, &KernelProfile::seconds);
  double seconds = 0;
  for (const KernelProfile& kernel : call.kernels) seconds += kernel.seconds;
  std::vector<std::string> text;
  text.push_back(fmt::format(
      "{}: {}, {:.1f} us under the profiler{}{}, at {:.0f} MHz", call.shape, longest->name, longest->seconds * 1e6,
      longest->launches > 1 ? fmt::format(" in {} launches", longest->launches) : "",
      call.kernels.size() > 1 ? fmt::format(", {} of the call's", Percent(longest->seconds / seconds)) : "",
      longest->hertz * 1e-6));
  AddDetails(*longest, call, source, text);
  size_t others = 0;
  for (const KernelProfile& kernel : call.kernels) {
    if (&kernel == &*longest || others++ >= kOthersShown) continue;
    text.push_back(
        fmt::format("also {}, {:.1f} us, {}", kernel.name, kernel.seconds * 1e6, BottleneckOf(kernel, call.lines)));
  }
  if (others > kOthersShown) text.push_back(fmt::format("and {} more kernels", others - kOthersShown));
  return text;
}

}  // namespace kopt
