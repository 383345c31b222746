#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/report/explain.h"
#include "agent/report/sections.h"
#include "agent/resolution.h"
#include "agent/results.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr size_t kShapesShown = 12;

bool TriedAll(const OptimizeResult& result) {
  return result.admissible && result.screened.size() >= *result.admissible;
}

// "12 of 36 configurations of the seed scale.cpp", or how many of how many candidates.
std::string TriedText(const Job& job, const OptimizeResult& result) {
  const size_t tried = result.screened.size();
  const std::string& seed = job.contestants.seed->file;
  if (job.asking.Asks()) {
    std::set<int> candidates;
    for (const Judged& judged : result.screened) candidates.insert(judged.turn);
    return fmt::format("{} {} of {} {}, the seed {} among them", tried, tried == 1 ? "configuration" : "configurations",
                       candidates.size(), candidates.size() == 1 ? "candidate" : "candidates", seed);
  }
  if (result.admissible) return fmt::format("{} of {} configurations of the seed {}", tried, *result.admissible, seed);
  return fmt::format("{} configurations of a space of {} points of the seed {}", tried, FormatCount(result.space),
                     seed);
}

std::string ExhaustedText(const Job& job, const OptimizeResult& result) {
  if (job.asking.Asks()) return "no reply was to come, and no more configurations were found";
  return TriedAll(result) ? "every configuration was tried" : "no more configurations were found";
}

std::string EndText(const Job& job, const OptimizeResult& result) {
  const std::map<std::string, std::string, std::less<>> texts = {
      {"budget", "the budget was spent"},
      {"space exhausted", ExhaustedText(job, result)},
      {"target speedup", "the target speedup was reached and confirmed"},
      {"target speed of light", "the target fraction of the speed of light was reached and confirmed"},
      {"interrupted", "it was interrupted"},
      {"failure", "it could not go on"},
      {"token budget", "the budget of tokens was spent"},
      {"money budget", "the budget of money was spent"},
      {"endpoint", "the endpoint failed again and again"},
      {"nothing new", "the model repeated itself"},
      {"recording", "the recording was over"}};
  const auto found = texts.find(result.stopped_by);
  return found == texts.end() ? result.stopped_by : found->second;
}

// Lines that end with a newline alone, as they are shown.
std::string PlainLines(const std::string& text) {
  std::string lines;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\r\n") != 0) lines += text[i];
  }
  return lines;
}

// The lines of the plan as they stand in the source.
std::string PlanLines(const std::string& source) {
  std::string lines;
  for (size_t begin = 0; begin < source.size();) {
    const size_t end = std::min(source.find('\n', begin), source.size());
    const size_t word = source.find_first_not_of(" \t", begin);
    if (source.compare(std::min(word, source.size()), 3, "//@") == 0) {
      lines += source.substr(word, end - word) + "\n";
    }
    begin = end + 1;
  }
  return lines;
}

// The screening of the configuration that a confirmation is about.
const Judged* ScreeningOf(const OptimizeResult& result, const Judged& confirmation) {
  const auto found =
      std::ranges::find_if(result.screened, [&](const Judged& judged) { return IsSame(judged, confirmation); });
  return found == result.screened.end() ? nullptr : &*found;
}

// What the compiler made of the best kernel.
Prose Compilation(const Job& job, const OptimizeResult& result) {
  const ordered_json& evidence = result.best->verdict.evidence;
  if (job.target == Target::kCuda) {
    const auto kernels = evidence.find("kernels");
    return kernels == evidence.end() ? Prose() : KernelsText(*kernels);
  }
  const auto told = evidence.find("vectorised");
  Prose text =
      VectorisationText(told == evidence.end() ? ordered_json() : *told,
                        SourceWithBoundTunables(CandidateOf(result, *result.best), result.best->configuration));
  if (job.spec->Scored(job.target).size() > 1) text += " That is how it is compiled for the first scored shape.";
  return text;
}

// The lines of a profile, as prompts have them.
std::string ProfileText(const ordered_json& evidence) {
  std::string text;
  for (const ordered_json& line : evidence.value("profile", ordered_json::array())) {
    text += line.get<std::string>() + "\n";
  }
  return text;
}

}  // namespace

Blocks FactsSection(const Job& job, const OptimizeResult& result) {
  const Spec& spec = *job.spec;
  Table facts{.columns = {{}, {}}, .names = true};
  const auto add = [&](const char* name, Prose value) { facts.rows.push_back({name, std::move(value)}); };
  add("task", fmt::format("{} ({}){}", spec.name, spec.file, spec.summary.empty() ? "" : ": " + spec.summary));
  add("target, device", fmt::format("{}, {}", Name(job.target), result.device.name));
  if (!result.devices.empty()) {
    add("devices", fmt::format("{} of them: {}", result.devices.size(), fmt::join(result.devices, ", ")));
  }
  for (const std::string& lost : result.lost_devices) add("left out", lost);
  add("speedup is against", job.contestants.BaselineText());
  if (result.best) {
    const Verdict& verdict = result.best->verdict;
    add("speedup", FormatSpeedup(verdict) + ", two-sided 99 % interval");
    add("time of a call",
        fmt::format("{} (baseline {})", FormatMicroseconds(verdict.time_us), FormatMicroseconds(verdict.baseline_us)));
    add("speed of light", verdict.sol_fraction ? Prose(FormatPercent(*verdict.sol_fraction) + " of it is reached")
                                               : "not known: run " + Code("kopt doctor --calibrate"));
    add("best configuration", NameOf(job, *result.best));
  } else {
    add("time of the baseline", FormatMicroseconds(result.baseline.time_us));
  }
  add("tried", TriedText(job, result));
  add("spent", fmt::format("{} of {} active, {} of preparation before", FormatDuration(result.active_seconds),
                           FormatDuration(job.budget_seconds), FormatDuration(result.preparation_seconds)));
  if (job.asking.Asks()) {
    for (std::vector<Prose>& row : AskingFacts(job, result)) facts.rows.push_back(std::move(row));
  }
  add("ended because", EndText(job, result));
  add("run", result.run.run);
  return {std::move(facts)};
}

Blocks BoundSection(const Job& job, const OptimizeResult& result) {
  const Verdict& verdict = result.best ? result.best->verdict : result.baseline;
  const std::vector<ShapeRates> rates = RatesOf(*job.spec, job.target, verdict.evidence, result.peaks);
  const bool told = result.best && verdict.evidence.contains("vectorised");
  std::string profile = ProfileText(verdict.evidence);
  if (rates.empty() && !told && profile.empty()) return {};
  Blocks blocks{Heading{result.best ? "What bounds it" : "What bounds the baseline"}};
  if (rates.size() == 1) {
    blocks.push_back(Paragraph{RatesText(rates.front(), job.spec->work.unit)});
  } else if (!rates.empty()) {
    List list;
    for (size_t i = 0; i < std::min(rates.size(), kShapesShown); ++i) {
      list.items.push_back(RatesText(rates[i], job.spec->work.unit));
    }
    blocks.push_back(std::move(list));
    if (rates.size() > kShapesShown) {
      blocks.push_back(Paragraph{fmt::format("{} more shapes are in the evidence.", rates.size() - kShapesShown)});
    }
  }
  if (std::string picture = RatesPicture(rates); !picture.empty()) {
    blocks.push_back(Figure{.svg = std::move(picture),
                            .caption = "Parts of the peaks that kopt's own kernels reach on this machine; " +
                                       Code("kopt doctor --calibrate") + " measures them."});
  }
  if (result.best) {
    Prose text = Compilation(job, result);
    if (!text.parts.empty()) blocks.push_back(Paragraph{std::move(text)});
  }
  if (!profile.empty()) {
    blocks.push_back(
        Paragraph{"By the device's counters and samples of program counters, in calls that were not timed:"});
    blocks.push_back(CodeBlock{.language = "text", .text = std::move(profile)});
  }
  return blocks;
}

Blocks MeaningSection(const Job& job, const OptimizeResult& result) {
  const size_t shapes = job.spec->Scored(job.target).size();
  std::string text = fmt::format(
      "A speedup is the time of the baseline divided by that of the kernel. The baseline is {}; a call of it takes {}.",
      job.contestants.BaselineText(),
      FormatMicroseconds(result.best ? result.best->verdict.baseline_us : result.baseline.time_us));
  if (shapes > 1) text += fmt::format(" Times and speedups are geometric means over {} scored shapes.", shapes);
  Blocks blocks{Heading{"What the speedup means"}, Paragraph{text}};
  const ScreeningResolution screening = ScreeningResolutionOf(result);
  if (screening.count == 0) return blocks;
  text = fmt::format("At this noise a screening can resolve a difference of {} (median of {}).",
                     FormatPercent(screening.difference), screening.count);
  if (result.best) {
    if (auto difference = Resolution(result.best->verdict)) {
      text += fmt::format(" The confirmation could resolve {}.", FormatPercent(*difference));
    }
  }
  blocks.push_back(Paragraph{text + " A win must exceed 1 % with the whole interval."});
  return blocks;
}

Blocks KernelSection(const Job& job, const OptimizeResult& result) {
  if (!result.best) return {};
  const std::string source =
      PlainLines(SourceWithBoundTunables(CandidateOf(result, *result.best), result.best->configuration));
  Prose plan = job.asking.Asks() ? fmt::format("The plan of turn {}", result.best->turn) : "Its plan";
  if (!result.best->configuration.empty()) plan += ", with the tunables of " + Code(Text(result.best->configuration));
  return {Heading{"Best kernel"}, Paragraph{plan + ":"}, CodeBlock{.language = "cpp", .text = PlanLines(source)},
          Paragraph{"The whole source, as in " + Code(BestFile(job.target)) + ":"},
          CodeBlock{.language = "cpp", .text = source, .numbered = true}};
}

Blocks EvidenceSection(const OptimizeResult& result) {
  if (!result.best) return {};
  std::string text = EvidenceText(result.best->verdict.evidence);
  if (text.empty()) return {};
  return {Heading{"Evidence"}, CodeBlock{.language = "text", .text = std::move(text)}};
}

Blocks ConfirmationsSection(const Job& job, const OptimizeResult& result) {
  if (result.confirmations.empty()) return {};
  Table table{.columns = {{"configuration"}, {"verdict"}, {"speedup", true}, {"by screening", true}}};
  for (const Judged& judged : result.confirmations) {
    const auto& interval = judged.verdict.speedup_interval;
    const std::string verdict =
        judged.verdict.correct() && interval ? std::string(Name(Judge(*interval))) : Summary(judged.verdict);
    const Judged* screening = ScreeningOf(result, judged);
    table.rows.push_back({NameOf(job, judged), verdict, FormatSpeedup(judged.verdict),
                          screening == nullptr ? "-" : FormatSpeedup(screening->verdict)});
  }
  return {Heading{"Confirmations"}, std::move(table)};
}

}  // namespace kopt
