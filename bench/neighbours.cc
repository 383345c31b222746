// Whether a second kopt on the machine spoils the figures of the first.
//
//   neighbours SPEC NEIGHBOUR [--rounds N] [--each N]
//
// Screens the seed of SPEC against its own defaults: alone, beside a kopt that searches NEIGHBOUR (a spec with a seed),
// and beside the same kopt with a timing lane of its own, which is what two programs that know nothing of each other
// do. The three take turns, N rounds (default 5) of N screenings (default 6), so that what drifts in the machine meets
// all of them. The neighbour gets a lane of its own by a mount in a namespace of its own, which only root
// may make. kopt is looked for beside this program.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/baseline.h"
#include "base/clock.h"
#include "base/files.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

constexpr double kSettle = 4;  // seconds until a neighbour is at work

enum class Beside { kNobody, kKopt, kForeign };
constexpr std::pair<Beside, const char*> kConditions[] = {
    {Beside::kNobody, "alone"}, {Beside::kKopt, "beside a kopt"}, {Beside::kForeign, "beside one with its own lane"}};

struct Figures {
  std::vector<double> times, speedups, noise, seconds;
  int noisy = 0;
};

int Fail(const Error& error) {
  std::fprintf(stderr, "neighbours: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return static_cast<int>(error.exit);
}

// `kopt optimize` in a process group of its own, ended with this object.
class Neighbour {
 public:
  Neighbour(const std::string& spec, const std::filesystem::path& folder, bool own_lane) {
    const std::string search =
        fmt::format("exec '{}' optimize '{}' --search random --budget 1h --state '{}/state' --out '{}/out-{}'",
                    (ProgramFolder() / "kopt").string(), spec, folder.string(), folder.string(), ++count_);
    const std::string other =
        fmt::format("touch '{0}/lane' && mount --bind '{0}/lane' /tmp/kopt-cpu.lock && {1}", folder.string(), search);
    pid_ = fork();
    if (pid_ != 0) return;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open((folder / "neighbour.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (own_lane) {
      execlp("unshare", "unshare", "-m", "sh", "-c", other.c_str(), nullptr);
    } else {
      execlp("sh", "sh", "-c", search.c_str(), nullptr);
    }
    _exit(127);
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  ~Neighbour() {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  bool Runs() const { return waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  static inline int count_ = 0;
  pid_t pid_ = -1;
};

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

Result<void> ScreenSome(Verifier& verifier, const Candidate& seed, int count, Figures& figures) {
  for (int i = 0; i < count; ++i) {
    const double begin = SystemClock().Now();
    KOPT_TRY(const Verdict verdict, verifier.Screen(seed, DefaultConfiguration(seed), {}));
    if (!verdict.correct()) return InternalError("the seed is not right: " + verdict.reason);
    figures.seconds.push_back(SystemClock().Now() - begin);
    figures.times.push_back(verdict.time_us.value_or(0));
    figures.noise.push_back(verdict.evidence.value("noise", 0.0));
    if (verdict.speedup) figures.speedups.push_back(*verdict.speedup);
    if (!verdict.speedup) ++figures.noisy;
  }
  return {};
}

void Print(const char* name, const Figures& figures) {
  std::printf("%-30s %9.1f %7.1f %% %9.3f %6.3f..%-6.3f %6.1f %% %6d %8.1f\n", name, Quantile(figures.times, 0.5),
              100 * (Quantile(figures.times, 0.9) / Quantile(figures.times, 0.1) - 1), Quantile(figures.speedups, 0.5),
              Quantile(figures.speedups, 0), Quantile(figures.speedups, 1), 100 * Quantile(figures.noise, 0.5),
              figures.noisy, Quantile(figures.seconds, 0.5));
}

Result<void> Run(const std::string& file, const std::string& neighbour, int rounds, int each) {
  KOPT_TRY(const Spec spec, ReadSpec(file));
  KOPT_TRY(const Contestants contestants, ReadContestants(spec, Target::kCpu, ""));
  if (!contestants.seed) return UsageError(file + " names no seed for the cpu");
  const Candidate& seed = *contestants.seed;
  KOPT_TRY(TemporaryFolder folder, TemporaryFolder::Create("neighbours"));
  KOPT_TRY(const auto verifier, NewCpuVerifier(spec, {}));
  KOPT_TRY(const Verdict baseline, verifier->SetBaseline(seed, DefaultConfiguration(seed)));
  std::printf("%s: %.1f us a call\n", spec.name.c_str(), baseline.time_us.value_or(0));
  Figures figures[std::size(kConditions)];
  for (int round = 0; round < rounds; ++round) {
    for (size_t c = 0; c < std::size(kConditions); ++c) {
      const Beside beside = kConditions[c].first;
      std::optional<Neighbour> other;
      if (beside != Beside::kNobody) {
        other.emplace(neighbour, folder.path(), beside == Beside::kForeign);
        SystemClock().Sleep(kSettle);
      }
      KOPT_CHECK(ScreenSome(*verifier, seed, each, figures[c]));
      if (other && !other->Runs()) {
        KOPT_TRY(std::string log, ReadFile(folder.path() / "neighbour.log"));
        return std::unexpected(Error{.message = "the neighbour ended by itself", .log = std::move(log)});
      }
    }
  }
  std::printf("\n%-30s %9s %9s %9s %14s %8s %6s %8s\n", "", "us", "p90/p10", "speedup", "range", "noise", "noisy",
              "s each");
  for (size_t c = 0; c < std::size(kConditions); ++c) Print(kConditions[c].second, figures[c]);
  return {};
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  std::vector<std::string> files;
  int rounds = 5;
  int each = 6;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool number = i + 1 < argc;
    if (word == "--rounds" && number) {
      rounds = std::atoi(argv[++i]);
    } else if (word == "--each" && number) {
      each = std::atoi(argv[++i]);
    } else {
      files.push_back(word);
    }
  }
  if (files.size() != 2 || rounds <= 0 || each <= 0) {
    std::fputs("usage: neighbours SPEC NEIGHBOUR [--rounds N] [--each N]\n", stderr);
    return 2;
  }
  if (auto done = kopt::Run(files[0], files[1], rounds, each); !done) return kopt::Fail(done.error());
  return 0;
}
