#include "agent/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/search/random.h"

namespace kopt {
namespace {

// How many configurations a search proposes at a time. On a CPU nothing is compiled while one is timed, but before it
// the others are, on the CPUs that it leaves idle. Beside a GPU the compilers never need to wait: there the next are
// proposed while these are still to be tried.
constexpr size_t kProposed = 4;

constexpr double kFruitlessLoss = 0.1;

}  // namespace

Tuner::Tuner(const Spec& spec, Target target, Values device, std::string search, uint64_t random_seed, size_t verifiers)
    : spec_(spec),
      pending_(target == Target::kCuda ? kProposed + verifiers : 1),
      shapes_(spec.Scored(target)),
      device_(std::move(device)),
      search_(std::move(search)),
      random_seed_(random_seed) {
  const std::vector<const Shape*> checks = spec.Checks(target);
  shapes_.insert(shapes_.end(), checks.begin(), checks.end());
}

Result<void> Tuner::Add(int turn, const Candidate& candidate) {
  KOPT_TRY(Space space, Space::Create(spec_, candidate, shapes_, device_));
  const Configuration defaults = DefaultConfiguration(candidate);
  const auto point = space.Find(defaults);
  if (!point || !space.IsAdmissible(*point)) {
    const bool none = space.extent() == Space::Extent::kEmpty;
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = none ? fmt::format("none of the {} configurations satisfies every `where`", space.size())
                              : fmt::format("the default tunables ({}) violate a `where`", Text(defaults)),
              .file = candidate.file,
              .line = candidate.where.empty() ? 0 : candidate.where.front().line,
              .key = "where",
              .hint = none ? "a `where` holds if it is not 0 at every [[shape]] and [[check]] of the target"
                           : "the first value of each `tune` line is its default"});
  }
  Entry entry{.space = std::make_unique<Space>(std::move(space))};
  // Turn 0 searches as a run without any other does.
  KOPT_TRY(entry.search,
           NewSearch(search_, *entry.space, turn == 0 ? random_seed_ : Mix(random_seed_, static_cast<uint64_t>(turn))));
  entries_[turn] = std::move(entry);
  return {};
}

void Tuner::Learn(const Judged& judged) {
  const auto found = entries_.find(judged.turn);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.trials.push_back(TrialOf(judged.configuration, judged.verdict));
  // The baseline itself has no ratio, nor has what was too noisy to tell.
  const double speedup = judged.verdict.correct() ? judged.verdict.speedup.value_or(1) : 0;
  entry.fruitless = speedup > entry.best ? 0 : entry.fruitless + 1;
  entry.best = std::max(entry.best, speedup);
  std::erase(entry.coming, judged.configuration);
  std::erase(entry.running, judged.configuration);
}

double Tuner::Worth(const Entry& entry) {
  return entry.best / (1 + kFruitlessLoss * std::log2(1 + static_cast<double>(entry.fruitless)));
}

void Tuner::Propose(Entry& entry) const {
  if (entry.coming.size() < pending_ && !entry.exhausted) {
    std::vector<Trial> known = entry.trials;
    for (const Configuration& tried : entry.running) {
      known.push_back({.configuration = tried, .correct = true, .pending = true});
    }
    for (const Configuration& pending : entry.coming) known.push_back({.configuration = pending, .correct = true});
    const std::vector<Configuration> more = entry.search->Propose(known, kProposed);
    entry.coming.insert(entry.coming.end(), more.begin(), more.end());
  }
  entry.exhausted = entry.coming.empty();
}

std::optional<Tuner::Proposal> Tuner::Next() {
  while (true) {
    std::pair<const int, Entry>* best = nullptr;
    for (auto& entry : entries_) {
      if (entry.second.exhausted || entry.second.best <= 0) continue;
      if (best == nullptr || Worth(entry.second) > Worth(best->second)) best = &entry;
    }
    if (best == nullptr) return std::nullopt;
    Entry& entry = best->second;
    Propose(entry);
    if (entry.exhausted) continue;
    Proposal proposal{.turn = best->first, .configuration = entry.coming.front()};
    entry.coming.erase(entry.coming.begin());
    proposal.ahead = entry.coming;
    entry.running.push_back(proposal.configuration);
    return proposal;
  }
}

double Tuner::BestOf(int turn) const {
  const auto found = entries_.find(turn);
  return found == entries_.end() ? 0 : found->second.best;
}

const Space* Tuner::SpaceOf(int turn) const {
  const auto found = entries_.find(turn);
  return found == entries_.end() ? nullptr : found->second.space.get();
}

}  // namespace kopt
