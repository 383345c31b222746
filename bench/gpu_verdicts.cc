// Verdicts on the GPU: what they cost, and whether they hold.
//
//   gpu_verdicts times SPEC FILE [COUNT]    seconds from source to verdict, each time from a source never seen before
//   gpu_verdicts same SPEC FILE [COUNT]     a candidate against itself: how often is it called faster or slower?
//   gpu_verdicts spread SPEC FILE [COUNT]   its time in so many fresh processes
//   gpu_verdicts profile SPEC FILE [COUNT]  what a profile costs
//   gpu_verdicts lane SPEC FILE [COUNT]     the part of the time in which nothing is on the device, with no compile
//                                           ahead and with four
//   gpu_verdicts devices SPEC FILE [COUNT]  screenings a minute on the first device, and on all that the driver shows
//                                           at the same time, COUNT on each
//   gpu_verdicts faults [COUNT]             faulty candidates of tests/adversarial/cuda mixed with a good one
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "agent/verifier_pool.h"
#include "base/clock.h"
#include "base/files.h"
#include "verifier/core/statistics.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

int Fail(const Error& error) {
  std::fprintf(stderr, "gpu_verdicts: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return 1;
}

std::string Quartiles(std::vector<double> values, double unit) {
  std::ranges::sort(values);
  const size_t n = values.size();
  if (n == 0) return "-";
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", values[n / 2] * unit, values[n / 4] * unit, values[n * 3 / 4] * unit);
}

struct Subject {
  Spec spec;
  std::unique_ptr<Verifier> verifier;
  std::string source;
  std::string file;
};

Result<Candidate> Parse(const Subject& subject, const std::string& source) {
  return ParseCandidate(subject.spec, Target::kCuda, source, subject.file);
}

Result<void> Read(Subject& subject, const std::string& spec, const std::string& file) {
  KOPT_TRY(subject.spec, ReadSpec(spec));
  KOPT_TRY(subject.source, ReadFile(file));
  subject.file = file;
  return {};
}

// The file itself, or what the spec names.
Result<Candidate> BaselineOf(const Subject& subject, bool itself) {
  std::string source = subject.source;
  const auto named = subject.spec.baseline.find(Target::kCuda);
  if (!itself && named != subject.spec.baseline.end()) {
    KOPT_TRY(source, ReadFile(subject.spec.Folder() / named->second));
  }
  return Parse(subject, source);
}

Result<void> Prepare(Subject& subject, const std::string& spec, const std::string& file, bool itself) {
  KOPT_CHECK(Read(subject, spec, file));
  KOPT_TRY(const CudaDevice device, FindCudaDevice());
  std::printf("%s, %s on %s\n", spec.c_str(), file.c_str(), device.device.name.c_str());
  double begin = SystemClock().Now();
  KOPT_TRY(const Peaks peaks, CalibrateCuda({}));
  std::printf("calibration %.2f s: read %.0f, write %.0f, copy %.0f GB/s;", SystemClock().Now() - begin,
              peaks.read_bytes * 1e-9, peaks.write_bytes * 1e-9, peaks.copy_bytes * 1e-9);
  for (const auto& [unit, rate] : peaks.flops) std::printf(" %s %.1f", unit.c_str(), rate * 1e-12);
  std::printf(" T/s\n");
  begin = SystemClock().Now();
  KOPT_TRY(subject.verifier, NewCudaVerifier(subject.spec, {.peaks = peaks}));
  const double made = SystemClock().Now();
  KOPT_TRY(const Candidate baseline, BaselineOf(subject, itself));
  KOPT_TRY(const Verdict verdict, subject.verifier->SetBaseline(baseline, DefaultConfiguration(baseline)));
  std::printf("verifier %.2f s, baseline %.2f s: %s %s;", made - begin, SystemClock().Now() - made,
              std::string(Name(verdict.outcome)).c_str(), verdict.reason.c_str());
  for (const auto& [stage, seconds] : verdict.stage_seconds) std::printf(" %s %.2f", stage.c_str(), seconds);
  std::printf("\n");
  if (!verdict.correct()) return InternalError("the baseline is not right");
  return {};
}

// The source with something in it that makes it another one.
Result<Candidate> Unseen(const Subject& subject, int number) {
  return Parse(subject, fmt::format("{}\n__device__ const int unseen_{} = {};\n", subject.source, number, number));
}

int Profile(Subject& subject, int count) {
  std::vector<double> all;
  for (int i = 0; i <= count; ++i) {
    const auto candidate = Parse(subject, subject.source);
    if (!candidate) return Fail(candidate.error());
    const auto verdict = subject.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {.profile_from = 0});
    if (!verdict) return Fail(verdict.error());
    for (const auto& [stage, seconds] : verdict->stage_seconds) {
      if (stage == "profile" && i > 0) all.push_back(seconds);
    }
    if (i < count) continue;
    for (const auto& line : verdict->evidence.at("profile")) std::printf("  %s\n", line.get<std::string>().c_str());
  }
  std::printf("a profile, s: %s\n", Quartiles(all, 1).c_str());
  return 0;
}

int LaneUse(Subject& subject, int count) {
  int number = 0;
  for (const size_t compiled : {0, 4}) {
    std::deque<Candidate> coming;
    double on_device = 0, begin = 0;
    std::map<std::string, double> stages;
    for (int i = 0; i <= count; ++i) {
      while (coming.size() <= compiled) {
        auto next = Unseen(subject, number++);
        if (!next) return Fail(next.error());
        coming.push_back(*std::move(next));
      }
      std::vector<Contender> ahead;
      for (size_t k = 1; k < coming.size(); ++k) ahead.push_back({&coming[k], DefaultConfiguration(coming[k])});
      const auto verdict =
          subject.verifier->Screen(coming.front(), DefaultConfiguration(coming.front()), {.ahead = ahead});
      if (!verdict) return Fail(verdict.error());
      coming.pop_front();
      if (i == 0) {  // nothing was compiled before it
        begin = SystemClock().Now();
        continue;
      }
      for (const auto& [stage, seconds] : verdict->stage_seconds) {
        if (stage == "draw" || stage == "check" || stage == "measure") on_device += seconds;
        stages[stage] += seconds;
      }
    }
    const double seconds = SystemClock().Now() - begin;
    std::printf("%zu compiles ahead: %d screenings in %.2f s, nothing on the device in %.1f %% of the time\n", compiled,
                count, seconds, 100 * (1 - on_device / seconds));
    for (const auto& [stage, spent] : stages) std::printf("  %-8s %.3f s\n", stage.c_str(), spent / count);
  }
  return 0;
}

// Seconds that `each` screenings on each of the first `devices` take, all at the same time, with four compiles ahead a
// device; after one on each that is not counted. What the stages take on average is added to `stages`.
Result<double> ScreenOn(VerifierPool& pool, size_t devices, size_t each, const Subject& subject, int& number,
                        std::map<std::string, double>& stages) {
  std::deque<Candidate> candidates;  // never moved: they are at work
  size_t next = 0;
  const auto start = [&](size_t device) -> Result<void> {
    const size_t ahead = 4 * devices;
    while (candidates.size() <= next + ahead) {
      KOPT_TRY(Candidate candidate, Unseen(subject, number++));
      candidates.push_back(std::move(candidate));
    }
    const Candidate& candidate = candidates[next++];
    std::vector<Contender> later;
    for (size_t i = 0; i < ahead; ++i)
      later.push_back({&candidates[next + i], DefaultConfiguration(candidates[next + i])});
    pool.Start(device, [&candidate, later](Verifier& verifier) {
      return verifier.Screen(candidate, DefaultConfiguration(candidate), {.ahead = later});
    });
    return {};
  };
  Result<void> failed;
  const auto settle = [&](bool counted) {
    const VerifierPool::Done done = *pool.Await();
    if (!done.verdict && failed) failed = std::unexpected(done.verdict.error());
    if (done.verdict && !done.verdict->correct() && failed)
      failed = InternalError("not right: " + done.verdict->reason);
    if (!done.verdict || !counted) return done.verifier;
    for (const auto& [stage, seconds] : done.verdict->stage_seconds) {
      stages[stage] += seconds / static_cast<double>(devices * each);
    }
    return done.verifier;
  };
  for (size_t i = 0; i < devices; ++i) KOPT_CHECK(start(i));
  for (size_t i = 0; i < devices; ++i) settle(false);
  KOPT_CHECK(failed);
  const double begin = SystemClock().Now();
  size_t left = devices * each;
  for (size_t i = 0; i < devices; ++i, --left) KOPT_CHECK(start(i));
  while (pool.at_work() > 0) {
    const size_t device = settle(true);
    if (left == 0 || !failed) continue;
    if (auto started = start(device); !started) failed = started;
    --left;
  }
  KOPT_CHECK(failed);
  return SystemClock().Now() - begin;
}

Result<void> MeasureDevices(const std::string& spec, const std::string& file, size_t each) {
  Subject subject;
  KOPT_CHECK(Read(subject, spec, file));
  KOPT_TRY(const int count, CountCudaDevices());
  std::vector<int> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  KOPT_TRY(const Peaks peaks, CalibrateCuda({}));
  KOPT_TRY(const auto verifiers, NewCudaVerifiers(subject.spec, {.peaks = peaks}, numbers));
  std::vector<Verifier*> all;
  for (const auto& verifier : verifiers) all.push_back(verifier.get());
  KOPT_TRY(const Candidate baseline, BaselineOf(subject, false));
  VerifierPool pool(all, SystemClock());
  const double begin = SystemClock().Now();
  for (size_t i = 0; i < all.size(); ++i) {
    pool.Start(i, [&](Verifier& verifier) { return verifier.SetBaseline(baseline, DefaultConfiguration(baseline)); });
  }
  while (pool.at_work() > 0) {
    const VerifierPool::Done done = *pool.Await();
    if (!done.verdict) return std::unexpected(done.verdict.error());
    if (!done.verdict->correct()) return InternalError("the baseline is not right: " + done.verdict->reason);
    std::printf("device %s: baseline %.2f us\n", all[done.verifier]->device().which.c_str(),
                done.verdict->time_us.value_or(0));
  }
  std::printf("baselines in %.2f s\n", SystemClock().Now() - begin);
  int number = 0;
  double alone = 0;
  for (const size_t devices : std::set<size_t>{1, all.size()}) {
    std::map<std::string, double> stages;
    KOPT_TRY(const double seconds, ScreenOn(pool, devices, each, subject, number, stages));
    const double rate = 60 * static_cast<double>(devices * each) / seconds;
    if (devices == 1) alone = rate;
    std::printf("%zu %s: %.1f screenings a minute, %.2f times those of one\n", devices,
                devices == 1 ? "device" : "devices", rate, rate / alone);
    for (const auto& [stage, spent] : stages) std::printf("  %-8s %.3f s\n", stage.c_str(), spent);
  }
  return {};
}

int Times(Subject& subject, int count) {
  std::vector<double> all;
  std::map<std::string, std::vector<double>> stages;
  std::string last;
  for (int i = 0; i <= count; ++i) {
    const double begin = SystemClock().Now();
    const auto candidate = Unseen(subject, i);
    if (!candidate) return Fail(candidate.error());
    const auto verdict = subject.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
    if (!verdict) return Fail(verdict.error());
    last = fmt::format("{} {}", Name(verdict->outcome), verdict->reason);
    if (i == 0) continue;  // its sets were drawn
    all.push_back(SystemClock().Now() - begin);
    for (const auto& [stage, seconds] : verdict->stage_seconds) stages[stage].push_back(seconds);
  }
  std::printf("source to verdict, s: %s (%s)\n", Quartiles(all, 1).c_str(), last.c_str());
  for (const auto& [stage, seconds] : stages) std::printf("  %-8s %s\n", stage.c_str(), Quartiles(seconds, 1).c_str());
  return 0;
}

int Same(Subject& subject, int count) {
  std::map<std::string, int> judged;
  for (int i = 0; i < count; ++i) {
    const auto candidate = Parse(subject, subject.source);
    if (!candidate) return Fail(candidate.error());
    const auto verdict = subject.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
    if (!verdict) return Fail(verdict.error());
    ++judged[!verdict->remark.empty() ? verdict->remark : verdict->evidence.value("judged", verdict->reason)];
  }
  std::printf("against itself, %d times:", count);
  for (const auto& [name, times] : judged) std::printf(" %s %d", name.c_str(), times);
  std::printf("\n");
  return 0;
}

int Spread(Subject& subject, int count) {
  std::map<std::string, std::vector<double>> times;
  for (int i = 0; i < count; ++i) {
    const auto candidate = Parse(subject, subject.source);
    if (!candidate) return Fail(candidate.error());
    const auto verdict = subject.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
    if (!verdict) return Fail(verdict.error());
    for (const auto& row : verdict->evidence.at("shapes")) times[row.at("shape")].push_back(row.at("time_us"));
  }
  for (const auto& [shape, values] : times) {
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    const size_t n = sorted.size();
    std::printf("%s: us %s, interquartile range %.2f %%\n", shape.c_str(), Quartiles(values, 1).c_str(),
                100 * (sorted[n * 3 / 4] - sorted[n / 4]) / sorted[n / 2]);
  }
  return 0;
}

int Faults(const std::filesystem::path& folder, int count) {
  Subject subject;
  const std::string good = (folder / "honest_warp_per_row.cu").string();
  if (auto prepared = Prepare(subject, (folder / "row_sum.spec").string(), good, true); !prepared) {
    return Fail(prepared.error());
  }
  std::vector<std::filesystem::path> faulty;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".cu" && !name.starts_with("honest")) faulty.push_back(entry.path());
  }
  std::ranges::sort(faulty);
  std::map<std::string, int> outcomes;
  std::vector<double> good_us, after_endless;
  int bad_verdicts = 0;
  for (int i = 0; i < count; ++i) {
    const auto& file = faulty[static_cast<size_t>(i) % faulty.size()];
    const auto source = ReadFile(file);
    if (!source) return Fail(source.error());
    auto candidate = Parse(subject, *source);
    double judged = SystemClock().Now();
    std::string outcome = "rejected";
    if (candidate) {
      const auto verdict = subject.verifier->Screen(*candidate, DefaultConfiguration(*candidate), {});
      if (!verdict) {
        std::printf("%s: no verdict: %s\n", file.filename().c_str(), verdict.error().Text().c_str());
        ++bad_verdicts;
        continue;
      }
      outcome = Name(verdict->outcome);
      if (i < static_cast<int>(faulty.size()))
        std::printf("  %-34s %s: %.110s\n", file.stem().c_str(), outcome.c_str(), verdict->reason.c_str());
    }
    ++outcomes[outcome];
    judged = SystemClock().Now();
    if (i % 3 != 0 && outcome != "timeout") continue;
    const auto twin = Parse(subject, subject.source);
    const auto verdict = subject.verifier->Screen(*twin, DefaultConfiguration(*twin), {});
    if (!verdict || !verdict->correct()) {
      std::printf("the good one after %s: %s\n", file.filename().c_str(),
                  verdict ? verdict->reason.c_str() : verdict.error().Text().c_str());
      ++bad_verdicts;
      continue;
    }
    good_us.push_back(verdict->time_us.value_or(0));
    if (outcome == "timeout") after_endless.push_back(SystemClock().Now() - judged);
  }
  std::printf("%d faulty candidates:", count);
  for (const auto& [name, times] : outcomes) std::printf(" %s %d", name.c_str(), times);
  std::printf("\n%zu verdicts of the good one among them, us %s; wrong verdicts: %d\n", good_us.size(),
              Quartiles(good_us, 1).c_str(), bad_verdicts);
  std::printf("a whole verdict right after an endless kernel, s: %s\n", Quartiles(after_endless, 1).c_str());
  return bad_verdicts == 0 ? 0 : 1;
}

int Run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? "" : arguments[0];
  const auto count = [&](size_t at, int otherwise) {
    return arguments.size() > at ? std::atoi(arguments[at].c_str()) : otherwise;
  };
  if (mode == "faults") return Faults("tests/adversarial/cuda", count(1, 200));
  if (mode == "devices" && arguments.size() > 2) {
    const auto measured = MeasureDevices(arguments[1], arguments[2], static_cast<size_t>(std::max(count(3, 30), 1)));
    return measured ? 0 : Fail(measured.error());
  }
  const std::map<std::string, std::pair<int (*)(Subject&, int), int>> modes = {{"times", {Times, 21}},
                                                                               {"same", {Same, 200}},
                                                                               {"spread", {Spread, 20}},
                                                                               {"profile", {Profile, 5}},
                                                                               {"lane", {LaneUse, 12}}};
  const auto found = modes.find(mode);
  if (arguments.size() < 3 || found == modes.end()) {
    std::fputs("usage: gpu_verdicts times|same|spread|profile|lane|devices SPEC FILE [COUNT] | faults [COUNT]\n",
               stderr);
    return 2;
  }
  Subject subject;
  if (auto prepared = Prepare(subject, arguments[1], arguments[2], mode == "same"); !prepared) {
    return Fail(prepared.error());
  }
  if (mode == "times") {
    const double begin = SystemClock().Now();
    const auto registration = subject.verifier->Register();
    if (!registration) return Fail(registration.error());
    std::printf("registration %.2f s, whole answers in s:", SystemClock().Now() - begin);
    for (const double seconds : registration->oracle_seconds) std::printf(" %.3f", seconds);
    std::printf("\n");
  }
  return found->second.first(subject, count(3, found->second.second));
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return kopt::Run(std::vector<std::string>(argv + 1, argv + argc));
}
