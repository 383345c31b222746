#include "agent/manifest.h"

#include <fmt/format.h>

#include <charconv>

#include "base/hash.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr int kDeepest = 8;

ordered_json OrNull(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

ordered_json CandidateJson(const Candidate& candidate, const Configuration& configuration) {
  return {{"file", candidate.file}, {"source", ContentHash(candidate.source)}, {"configuration", Text(configuration)}};
}

ordered_json ValueOr(const ordered_json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : ordered_json();
}

// Reads one value after the other; keeps the first error.
class Reader {
 public:
  Reader(const ordered_json& json, const std::string& file) : json_(json), file_(file) {}

  const ordered_json* Find(const std::string& pointer) const {
    const ordered_json::json_pointer at("/" + pointer);
    return json_.contains(at) ? &json_.at(at) : nullptr;
  }
  void Read(const std::string& pointer, std::string& value) {
    const ordered_json* found = Find(pointer);
    if (found != nullptr && found->is_string()) {
      value = found->get<std::string>();
    } else {
      Fail(pointer, found == nullptr ? "is missing" : "is no text");
    }
  }
  void Fail(const std::string& pointer, const std::string& why) {
    if (error_) return;
    std::string key = pointer;
    std::replace(key.begin(), key.end(), '/', '.');
    error_ = Error{.exit = Exit::kUsage,
                   .message = fmt::format("`{}` {}", key, why),
                   .file = file_,
                   .key = key,
                   .hint = "give the manifest.json of a results folder as kopt wrote it"};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const ordered_json& json_;
  const std::string& file_;
  std::optional<Error> error_;
};

}  // namespace

ordered_json ManifestOf(const RunRow& run, const Contestants& contestants, const Candidate& candidate,
                        const Judged& winner) {
  const ordered_json& settings = run.settings;
  const Verdict& verdict = winner.verdict;
  const Candidate& baseline = *contestants.Baseline();
  ordered_json made_with = ValueOr(settings, "made_with");
  const ordered_json devices = ValueOr(ValueOr(settings, "devices"), "which");
  ordered_json manifest = {
      {"kopt", 1},
      {"run", run.run},
      {"task", run.task},
      {"target", run.target},
      {"device", run.device},
      {"turn", winner.turn},
      {"spec", {{"file", ValueOr(ValueOr(settings, "spec"), "file")}, {"hash", run.spec_hash}}},
      {"candidate", CandidateJson(candidate, winner.configuration)},
      {"baseline", CandidateJson(baseline, DefaultConfiguration(baseline))},
      {"judgement",
       {{"input_seed", ValueOr(verdict.evidence, "input_seed")},
        {"speedup", OrNull(verdict.speedup)},
        {"speedup_interval", verdict.speedup_interval
                                 ? ordered_json{verdict.speedup_interval->low, verdict.speedup_interval->high}
                                 : ordered_json()},
        {"time_us", OrNull(verdict.time_us)},
        {"baseline_us", OrNull(verdict.baseline_us)},
        {"at_seconds", winner.at_seconds}}},
      {"search",
       {{"strategy", ValueOr(settings, "search")},
        {"random_seed", ValueOr(settings, "random_seed")},
        {"budget_seconds", run.budget_seconds},
        {"started", run.started}}},
      {"made_with", made_with}};
  // A library that was the baseline: its version, then what it chose.
  if (const ordered_json library = ValueOr(verdict.evidence, "library"); library.is_array() && !library.empty()) {
    manifest["made_with"]["library"] = library.front();
  }
  // Of several: all of them, and the one that confirmed.
  if (!devices.is_null()) manifest["devices"] = devices;
  if (const ordered_json device = ValueOr(verdict.evidence, "device"); !device.is_null()) {
    manifest["judgement"]["device"] = device;
  }
  return manifest;
}

Result<Manifest> ParseManifest(const std::string& text, const std::string& file) {
  // A manifest is flat: nothing below its few levels is looked at, or kept.
  const auto shallow = [](int depth, ordered_json::parse_event_t, ordered_json&) { return depth <= kDeepest; };
  const ordered_json json = ordered_json::parse(text, shallow, false);
  Reader reader(json, file);
  if (!json.is_object()) {
    return std::unexpected(Error{
        .exit = Exit::kUsage, .message = "this is no manifest: no JSON object", .file = file, .key = "--manifest"});
  }
  if (ValueOr(json, "kopt") != 1) reader.Fail("kopt", "is not 1, the format that this kopt knows");
  Manifest manifest{.file = file, .made_with = ValueOr(json, "made_with")};
  std::string target, seed;
  reader.Read("target", target);
  reader.Read("device", manifest.device);
  reader.Read("spec/file", manifest.spec_file);
  reader.Read("spec/hash", manifest.spec_hash);
  reader.Read("candidate/file", manifest.candidate_file);
  reader.Read("candidate/source", manifest.candidate_hash);
  reader.Read("candidate/configuration", manifest.configuration);
  reader.Read("baseline/file", manifest.baseline_file);
  reader.Read("baseline/source", manifest.baseline_hash);
  reader.Read("baseline/configuration", manifest.baseline_configuration);
  reader.Read("judgement/input_seed", seed);
  const auto parsed = ParseTarget(target);
  if (!parsed) reader.Fail("target", "is no target");
  const auto [stop, error] = std::from_chars(seed.data(), seed.data() + seed.size(), manifest.input_seed, 16);
  if (error != std::errc() || stop != seed.data() + seed.size()) {
    reader.Fail("judgement/input_seed", "is no hexadecimal number");
  }
  if (reader.error()) return std::unexpected(*reader.error());
  manifest.target = *parsed;
  const ordered_json& judgement = json["judgement"];
  if (const auto speedup = ValueOr(judgement, "speedup"); speedup.is_number()) manifest.speedup = speedup.get<double>();
  const ordered_json interval = ValueOr(judgement, "speedup_interval");
  if (interval.is_array() && interval.size() == 2 && interval[0].is_number() && interval[1].is_number()) {
    manifest.interval = Interval{interval[0].get<double>(), interval[1].get<double>()};
  }
  return manifest;
}

std::vector<std::string> Differences(const ordered_json& then, const ordered_json& now) {
  std::vector<std::string> lines;
  const auto text = [](const ordered_json& value) {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? "not known" : value.dump();
  };
  for (const auto& [key, value] : now.items()) {
    const ordered_json before = ValueOr(then, key.c_str());
    if (before != value) lines.push_back(fmt::format("{}: {}, now {}", key, text(before), text(value)));
  }
  if (!then.is_object()) return lines;
  for (const auto& [key, value] : then.items()) {
    if (!now.contains(key)) lines.push_back(fmt::format("{}: {}, now not known", key, text(value)));
  }
  return lines;
}

}  // namespace kopt
