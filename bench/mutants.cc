// Mutation testing of the verifier: right candidates with one small fault each, and how many of them it refuses.
//
//   mutants cpu|cuda [SPEC CANDIDATE] [--list] [--compile-only] [--count N] [--only TEXT]
//
// Without SPEC and CANDIDATE, all examples of the target. Of a candidate's mutants, N (72) are taken that compile, and
// to other code than the candidate and one another. Those of tests/mutants/equivalent do what the candidate does; of
// the others at least 99 % must be refused, by a screening or by the confirmation of what passes it, else the exit
// status is 1.
//   --list          says which are taken, and judges none
//   --compile-only  the same for cuda without a device, and notes them in tests/mutants/selected, from where they are
//                   taken later, without compiling those that are not
//   --only TEXT     takes and judges only those whose name has this, or that of another --only, in it
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/parallel.h"
#include "bench/mutants_code.h"
#include "bench/mutants_operators.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

namespace fs = std::filesystem;

constexpr double kLeastScore = 0.99;

struct Options {
  Target target = Target::kCpu;
  std::string spec, candidate;
  std::vector<std::string> only;  // empty: all
  size_t count = 0;               // 0: that of the example, else 72
  bool list = false, compile_only = false;
};

struct Subject {
  const char *spec = "", *candidate = "";
  size_t count = 72;  // mutants
};
const std::map<Target, std::vector<Subject>> kExamples = {
    {Target::kCpu,
     {{"vector_add.spec", "vector_add.cpp", 96},
      {"softmax.spec", "softmax.cpp", 88},
      {"topk.spec", "topk.cpp"},
      {"scan.spec", "scan.cpp"},
      {"layernorm.spec", "layernorm.cpp"},
      {"matmul.spec", "matmul.cpp"},
      {"convolution.spec", "convolution.cpp"},
      {"crossentropy.spec", "crossentropy.cpp", 85},
      {"int8.spec", "int8.cpp"},
      {"attention.spec", "attention.cpp", 82}}},
    {Target::kCuda,
     {{"vector_add.spec", "vector_add.cu", 110},
      {"softmax.spec", "softmax.cu"},
      {"scan.spec", "scan.cu"},
      {"matmul_f16.spec", "matmul_f16.cu"},
      {"matmul_wgmma.spec", "matmul_wgmma.cu"},
      {"attention_f16.spec", "attention_f16.cu"},
      {"attention_f16.spec", "attention_wgmma.cu"}}},
};

int Fail(const Error& error) {
  std::fprintf(stderr, "mutants: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return 1;
}

// A mutant that is judged, with the configuration in which its code is another.
struct Chosen {
  Mutant mutant;
  Candidate candidate;
  Configuration configuration;
};

// "NAME :: TEXT" a line; no file: empty.
std::map<std::string, std::string> ReadList(const fs::path& file) {
  std::map<std::string, std::string> list;
  const auto text = ReadFile(file);
  if (!text) return list;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    const std::string line = text->substr(begin, end - begin);
    const size_t middle = line.rfind(" :: ");
    if (middle != std::string::npos) list[line.substr(0, middle)] = line.substr(middle + 4);
    begin = end + 1;
  }
  return list;
}

fs::path ListOf(const std::string& folder, const std::string& candidate) {
  return fs::path(KOPT_SOURCE) / "tests/mutants" / folder / (fs::path(candidate).filename().string() + ".txt");
}

// The default, and one in which every switch (a tunable with two values of at most 2) is turned: code that the first
// leaves out.
std::vector<Configuration> ConfigurationsOf(const Candidate& candidate) {
  std::vector<Configuration> configurations = {DefaultConfiguration(candidate)};
  Configuration turned = configurations.front();
  for (const Tunable& tunable : candidate.tunables) {
    if (tunable.values.size() == 2 && std::ranges::max(tunable.values) <= 2) turned[tunable.name] = tunable.values[1];
  }
  if (turned != configurations.front()) configurations.push_back(turned);
  return configurations;
}

// One example: its mutants, and what becomes of them.
class Example {
 public:
  Example(const Options& options, fs::path spec, fs::path candidate, size_t count, const fs::path& cache)
      : options_(options), spec_file_(std::move(spec)), file_(std::move(candidate)), count_(count) {
    verifier_options_.cache = cache;
  }

  Result<void> Run() {
    KOPT_TRY(spec_, ReadSpec(spec_file_.string()));
    KOPT_TRY(source_, ReadFile(file_));
    equivalent_ = ReadList(ListOf("equivalent", file_.string()));
    std::printf("\n%s\n", file_.filename().c_str());
    KOPT_CHECK(Select());
    std::printf("%zu mutants, %zu of them equivalent\n", chosen_.size(),
                static_cast<size_t>(std::ranges::count_if(
                    chosen_, [&](const Chosen& one) { return equivalent_.contains(one.mutant.name); })));
    if (options_.list || options_.compile_only) {
      for (const Chosen& one : chosen_) std::printf("%s\n", one.mutant.name.c_str());
      if (options_.compile_only) KOPT_CHECK(NoteSelected());
      return {};
    }
    return Judge();
  }

  size_t equivalent() const { return equals_; }
  size_t Faulty() const { return chosen_.size() - equals_; }
  double Score() const {
    return Faulty() == 0 ? 1 : 1 - static_cast<double>(survivors_.size()) / static_cast<double>(Faulty());
  }

  // True if the score suffices and no mutant that is said to be equivalent was refused.
  bool Report() const {
    std::string outcomes;
    for (const auto& [outcome, times] : refused_) outcomes += fmt::format(", {} {}", times, outcome);
    std::printf("| %s | %zu | %zu | %s | %zu | %.1f %% |\n", file_.filename().c_str(), chosen_.size(), equals_,
                outcomes.empty() ? "-" : outcomes.c_str() + 2, survivors_.size(), 100 * Score());
    return Score() >= kLeastScore && wrongly_equivalent_.empty();
  }

  void ReportSurvivors() const {
    for (const Chosen* one : survivors_) {
      std::printf("survived: %s [%s]\n%s", one->mutant.name.c_str(), Text(one->configuration).c_str(),
                  Difference(source_, one->mutant).c_str());
    }
    for (const std::string& name : wrongly_equivalent_) {
      std::printf("said to be equivalent, but refused: %s\n", name.c_str());
    }
  }

 private:
  Result<Candidate> Parse(const std::string& source) const {
    return ParseCandidate(spec_, options_.target, source, file_.filename().string());
  }

  Result<void> Select() {
    std::vector<Mutant> all = Spread(MutantsOf(source_, file_.filename().string(), options_.target));
    std::erase_if(all, [&](const Mutant& one) {
      return !options_.only.empty() && std::ranges::none_of(options_.only, [&](const std::string& text) {
        return one.name.find(text) != std::string::npos;
      });
    });
    const auto selected = ReadList(ListOf("selected", file_.string()));
    if (options_.compile_only || selected.empty()) return SelectByCode(std::move(all));
    for (Mutant& mutant : all) {
      if (!selected.contains(mutant.name) || chosen_.size() == count_) continue;
      KOPT_TRY(Candidate candidate, Parse(mutant.source));
      const auto configurations = ConfigurationsOf(candidate);
      const auto configuration = std::ranges::find(configurations, selected.at(mutant.name),
                                                   [](const Configuration& one) { return Text(one); });
      if (configuration == configurations.end()) return InternalError("not a configuration: " + mutant.name);
      chosen_.push_back({std::move(mutant), std::move(candidate), *configuration});
    }
    return {};
  }

  Result<void> SelectByCode(std::vector<Mutant> all) {
    KOPT_TRY(const auto maker, NewCodeMaker(spec_, options_.target, verifier_options_));
    KOPT_TRY(const Candidate original, Parse(source_));
    std::map<std::string, std::string> own;  // its code by configuration
    for (const Configuration& configuration : ConfigurationsOf(original)) {
      KOPT_TRY(const auto code, maker->Code(original, configuration));
      if (!code) return InternalError("the candidate does not compile");
      own[Text(configuration)] = *code;
    }
    struct Trial {
      std::optional<Candidate> candidate;
      std::string code;  // empty: not compiled, or the candidate's own
      Configuration configuration;
      Result<void> failed;
    };
    const auto attempt = [&](const Mutant& mutant, Trial& trial) -> Result<void> {
      auto candidate = Parse(mutant.source);
      if (!candidate) return {};
      for (const Configuration& configuration : ConfigurationsOf(*candidate)) {
        KOPT_TRY(const auto code, maker->Code(*candidate, configuration));
        if (!code) return {};
        trial.code = mutant.plan ? mutant.source : *code == own.at(Text(configuration)) ? "" : *code;
        trial.configuration = configuration;
        if (!trial.code.empty()) break;
      }
      trial.candidate = std::move(*candidate);
      return {};
    };
    std::set<std::string> seen;
    size_t not_compiled = 0, same_code = 0;
    const size_t step = 2 * AllowedCpus().size();
    for (size_t next = 0; next < all.size() && chosen_.size() < count_; next += step) {
      std::vector<Trial> trials(std::min(step, all.size() - next));
      Parallel(trials.size(), [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) trials[i].failed = attempt(all[next + i], trials[i]);
      });
      for (size_t i = 0; i < trials.size() && chosen_.size() < count_; ++i) {
        KOPT_CHECK(trials[i].failed);
        not_compiled += trials[i].candidate ? 0 : 1;
        if (!trials[i].candidate) continue;
        const bool fresh = !trials[i].code.empty() && seen.insert(trials[i].code).second;
        same_code += fresh ? 0 : 1;
        if (!fresh) continue;
        chosen_.push_back({std::move(all[next + i]), *std::move(trials[i].candidate), trials[i].configuration});
      }
    }
    std::printf("of %zu, beside %zu that do not compile and %zu with the code of the candidate or of another: ",
                all.size(), not_compiled, same_code);
    return {};
  }

  Result<void> NoteSelected() const {
    std::string text;
    for (const Chosen& one : chosen_) text += fmt::format("{} :: {}\n", one.mutant.name, Text(one.configuration));
    const fs::path file = ListOf("selected", file_.string());
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    return WriteFile(file, text);
  }

  Result<std::unique_ptr<Verifier>> NewVerifier() const {
    if (options_.target == Target::kCpu) return NewCpuVerifier(spec_, verifier_options_);
    return NewCudaVerifier(spec_, verifier_options_);
  }

  Result<void> Judge() {
    KOPT_TRY(const auto verifier, NewVerifier());
    const auto named = spec_.baseline.find(options_.target);
    std::string text = source_;
    if (named != spec_.baseline.end()) {
      KOPT_TRY(text, ReadFile(spec_.Folder() / named->second));
    }
    KOPT_TRY(const Candidate baseline, Parse(text));
    KOPT_TRY(const Verdict first, verifier->SetBaseline(baseline, DefaultConfiguration(baseline)));
    if (!first.correct()) return InternalError("the baseline is not right: " + first.reason);
    KOPT_TRY(const Candidate original, Parse(source_));
    for (const Configuration& configuration : ConfigurationsOf(original)) {
      KOPT_TRY(const Verdict own, verifier->Screen(original, configuration, {.incumbent = kManyTimes}));
      if (!own.correct()) return InternalError("the candidate is not right: " + own.reason);
    }
    for (size_t i = 0; i < chosen_.size(); ++i) {
      const Chosen& one = chosen_[i];
      const bool equivalent = equivalent_.contains(one.mutant.name);
      equals_ += equivalent ? 1 : 0;
      std::vector<Contender> ahead;
      for (size_t k = i + 1; k < std::min(i + 9, chosen_.size()); ++k) {
        ahead.push_back({&chosen_[k].candidate, chosen_[k].configuration});
      }
      const double begin = SystemClock().Now();
      auto verdict = verifier->Screen(one.candidate, one.configuration, {.incumbent = kManyTimes, .ahead = ahead});
      // On a busy machine a deadline may pass without any fault of the mutant's.
      if (!verdict || verdict->outcome == Outcome::kTimeout) {
        verdict = verifier->Screen(one.candidate, one.configuration, {.incumbent = kManyTimes});
      }
      // Nothing is reported that was not confirmed; on a GPU that includes the device's checkers.
      if (verdict && verdict->correct() && !equivalent) {
        verdict = verifier->Confirm(one.candidate, one.configuration, {.seconds = kConfirmSeconds});
      }
      if (!verdict) return std::unexpected(verdict.error());
      std::printf("%3zu %5.1f s  %-14s %s%s  %s\n", i, SystemClock().Now() - begin, Name(verdict->outcome).data(),
                  one.mutant.name.c_str(), equivalent ? " (equivalent)" : "", verdict->reason.c_str());
      std::fflush(stdout);
      if (verdict->correct() && !equivalent) survivors_.push_back(&one);
      if (!verdict->correct() && equivalent) wrongly_equivalent_.push_back(one.mutant.name);
      if (!verdict->correct() && !equivalent) ++refused_[std::string(Name(verdict->outcome))];
    }
    return {};
  }

  static constexpr double kConfirmSeconds = 3;
  // Of an imagined best one: how fast a mutant is need not be known.
  static constexpr double kManyTimes = 1e6;

  const Options& options_;
  fs::path spec_file_, file_;
  size_t count_ = 0;  // of mutants to take
  VerifierOptions verifier_options_;
  Spec spec_;
  std::string source_;
  std::map<std::string, std::string> equivalent_;  // reasons by name
  std::vector<Chosen> chosen_;
  size_t equals_ = 0;
  std::map<std::string, int> refused_;  // by outcome
  std::vector<const Chosen*> survivors_;
  std::vector<std::string> wrongly_equivalent_;
};

size_t CountFor(const Options& options) {
  const auto& examples = kExamples.at(options.target);
  const auto known = std::ranges::find(examples, fs::path(options.candidate).filename(),
                                       [](const Subject& subject) { return fs::path(subject.candidate); });
  return known == examples.end() ? Subject().count : known->count;
}

int Run(const Options& options) {
  const auto cache = TemporaryFolder::Create("kopt_mutants");
  if (!cache) return Fail(cache.error());
  std::vector<std::unique_ptr<Example>> examples;
  const auto add = [&](const fs::path& spec, const fs::path& candidate, size_t count) {
    if (options.count > 0) count = options.count;
    examples.push_back(std::make_unique<Example>(options, spec, candidate, count, cache->path()));
  };
  const fs::path folder = fs::path(KOPT_SOURCE) / "examples";
  if (!options.spec.empty()) add(options.spec, options.candidate, CountFor(options));
  if (options.spec.empty()) {
    for (const auto& [spec, candidate, count] : kExamples.at(options.target))
      add(folder / spec, folder / candidate, count);
  }
  for (const auto& example : examples) {
    if (auto done = example->Run(); !done) return Fail(done.error());
    std::fflush(stdout);
  }
  if (options.list || options.compile_only) return 0;
  std::printf("\n| candidate | mutants | equivalent | refused | survived | score |\n|---|---|---|---|---|---|\n");
  bool good = true;
  for (const auto& example : examples) good = example->Report() && good;
  std::printf("\n");
  for (const auto& example : examples) example->ReportSurvivors();
  return good ? 0 : 1;
}

// Nothing: not understood.
std::optional<Options> Parse(const std::vector<std::string>& arguments) {
  Options options;
  std::vector<std::string> files;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--list") {
      options.list = true;
    } else if (word == "--compile-only") {
      options.compile_only = true;
    } else if ((word == "--count" || word == "--only") && i + 1 < arguments.size()) {
      const std::string& value = arguments[++i];
      if (word == "--only") {
        options.only.push_back(value);
      } else {
        options.count = std::strtoul(value.c_str(), nullptr, 10);
        if (options.count == 0) return std::nullopt;
      }
    } else if (word.starts_with("-")) {
      return std::nullopt;
    } else {
      files.push_back(word);
    }
  }
  const auto target = arguments.empty() ? std::nullopt : ParseTarget(arguments[0]);
  if (!target || (!files.empty() && files.size() != 2)) return std::nullopt;
  options.target = *target;
  if (options.compile_only && *target == Target::kCpu) return std::nullopt;
  if (!files.empty()) {
    options.spec = files[0];
    options.candidate = files[1];
  }
  return options;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const auto options = kopt::Parse({argv + 1, argv + argc});
  if (!options) {
    std::fputs("usage: mutants cpu|cuda [SPEC CANDIDATE] [--list] [--compile-only] [--count N] [--only TEXT]\n",
               stderr);
    return 2;
  }
  return kopt::Run(*options);
}
