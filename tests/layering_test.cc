// Reads every #include of the repository and checks that the arrows between the folders go down only, and that each
// library's headers stay behind the folder that wraps them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace kopt {
namespace {

using Folders = std::set<std::string>;

// What each folder may include, apart from itself.
const std::map<std::string, Folders> kMayInclude = {
    {"base", {}},
    {"task", {"base"}},
    {"verifier/core", {"base", "task"}},
    {"verifier/sandbox", {"base"}},
    {"verifier/oracle", {"base", "task"}},
    {"verifier/cpu", {"base", "task", "verifier/core", "verifier/oracle", "verifier/sandbox"}},
    // References with few long tuples run on the host.
    {"verifier/cuda", {"base", "task", "verifier/core", "verifier/oracle", "verifier/sandbox", "verifier/cpu"}},
    {"store", {"base", "task", "verifier/core"}},
    {"llm_client", {"base"}},
    {"prompts", {"base", "task", "verifier/core"}},
    {"agent", {"base", "task", "verifier/core", "verifier/sandbox", "verifier/cpu", "store", "llm_client", "prompts"}},
    {"server",
     {"base", "task", "verifier/core", "verifier/sandbox", "verifier/cpu", "store", "llm_client", "prompts", "agent"}},
    {"cli",
     {"base", "task", "verifier/core", "verifier/sandbox", "verifier/cpu", "verifier/cuda", "store", "llm_client",
      "prompts", "agent", "server"}},
};

// These stand above everything and may include what they like.
const Folders kFree = {"tests", "bench"};

// Headers of a library, by how their name begins, and the only folders that may include them.
const std::map<std::string, Folders> kConfined = {
    {"sqlite3.h", {"store"}},
    {"seccomp.h", {"verifier/sandbox"}},
    {"linux/landlock.h", {"verifier/sandbox"}},
    {"xxhash.h", {"base"}},
    {"toml++/", {"task", "cli"}},
    {"CLI/", {"cli"}},
    {"Eigen/", {"agent"}},
    {"curl/", {"llm_client"}},
    {"kainjow/", {"prompts"}},
    {"gtest/", {}},
    {"httplib.h", {}},
};

// The folder of kMayInclude or kFree that `path` lies in; empty if there is none.
std::string FolderOf(std::string_view path) {
  const auto holds = [&](const std::string& folder) { return path.starts_with(folder + "/"); };
  for (const auto& [folder, allowed] : kMayInclude) {
    if (holds(folder)) return folder;
  }
  const auto found = std::ranges::find_if(kFree, holds);
  return found == kFree.end() ? "" : *found;
}

std::string FaultOfOwnInclude(const std::string& from, const std::string& header) {
  const std::string to = FolderOf(header);
  if (to.empty()) return "is not a path from the repository root into a folder that the layering test knows";
  if (to == from || kMayInclude.at(from).contains(to)) return "";
  return fmt::format("goes up: {}/ may not include {}/", from, to);
}

std::string FaultOfLibraryInclude(const std::string& from, const std::string& header) {
  for (const auto& [prefix, folders] : kConfined) {
    if (!header.starts_with(prefix) || folders.contains(from)) continue;
    return folders.empty() ? "belongs to tests" : fmt::format("belongs to {}/", fmt::join(folders, "/, "));
  }
  return "";
}

// Generated source lives in raw strings; its includes are not ours.
std::string WithoutRawStrings(const std::string& text) {
  std::string kept;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find("R\"", at);
    const size_t parenthesis = begin == std::string::npos ? begin : text.find('(', begin);
    if (parenthesis == std::string::npos) return kept + text.substr(at);
    const std::string close = ")" + text.substr(begin + 2, parenthesis - begin - 2) + "\"";
    const size_t end = text.find(close, parenthesis);
    kept += text.substr(at, begin - at);
    if (end == std::string::npos) return kept;
    at = end + close.size();
  }
}

// One line for each include of the file `path` that breaks a rule: "path: #include ... why".
std::vector<std::string> Faults(const std::string& path, const std::string& source) {
  const std::string from = FolderOf(path);
  if (from.empty()) return {path + ": lies in a folder that the layering test does not know"};
  if (kFree.contains(from)) return {};

  static const std::regex kInclude(R"(^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">])", std::regex::multiline);
  const std::string text = WithoutRawStrings(source);
  std::vector<std::string> faults;
  for (std::sregex_iterator match(text.begin(), text.end(), kInclude), end; match != end; ++match) {
    const std::string header = (*match)[2];
    const bool own = (*match)[1] == "\"";
    const std::string why = own ? FaultOfOwnInclude(from, header) : FaultOfLibraryInclude(from, header);
    if (!why.empty()) faults.push_back(fmt::format("{}: #include of {} {}", path, header, why));
  }
  return faults;
}

using Strings = std::vector<std::string>;

// Every .h and .cc below `root`, relative to it; build trees, results, hidden folders and templates, the texts of other
// projects, are left out.
Strings SourcesBelow(const std::filesystem::path& root) {
  Strings sources;
  for (auto it = std::filesystem::recursive_directory_iterator(root);
       it != std::filesystem::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename();
    const std::string extension = it->path().extension();
    if (it->is_directory() &&
        (name.starts_with(".") || name.starts_with("build") || name == "kopt-out" || name == "templates")) {
      it.disable_recursion_pending();
    } else if (extension == ".h" || extension == ".cc") {
      sources.push_back(it->path().lexically_relative(root));
    }
  }
  return sources;
}

TEST(LayeringTest, EveryIncludeOfTheRepositoryGoesDown) {
  const std::filesystem::path root = KOPT_SOURCE_DIR;
  const Strings sources = SourcesBelow(root);
  EXPECT_GT(sources.size(), 20U) << "the test looked in the wrong place: " << root;
  for (const std::string& path : sources) {
    const auto text = ReadFile(root / path);
    ASSERT_TRUE(text) << text.error().Text();
    EXPECT_EQ(Faults(path, *text), Strings());
  }
}

TEST(LayeringTest, AnUpwardIncludeIsFound) {
  EXPECT_EQ(Faults("task/spec.cc", "#include \"task/spec.h\"\n#include \"store/store.h\"\n"),
            Strings({"task/spec.cc: #include of store/store.h goes up: task/ may not include store/"}));
  EXPECT_EQ(
      Faults("verifier/sandbox/limits.cc", "  # include \"task/spec.h\"\n"),
      Strings(
          {"verifier/sandbox/limits.cc: #include of task/spec.h goes up: verifier/sandbox/ may not include task/"}));
  EXPECT_EQ(Faults("agent/loop.cc", "#include \"cli/args.h\"\n").size(), 1U);
  EXPECT_EQ(Faults("cli/main.cc", "#include \"tests/fake.h\"\n").size(), 1U);
  EXPECT_EQ(Faults("cli/main.cc", "#include \"agent/loop.h\"\n#include \"base/error.h\"\n"), Strings());
}

TEST(LayeringTest, AnIncludeThatIsNotFromTheRootIsFound) {
  EXPECT_EQ(Faults("task/spec.cc", "#include \"spec.h\"\n"),
            Strings({"task/spec.cc: #include of spec.h is not a path from the repository root into a folder that the "
                     "layering test knows"}));
  EXPECT_EQ(Faults("task/spec.cc", "#include \"../base/error.h\"\n").size(), 1U);
}

TEST(LayeringTest, ALibraryHeaderOutsideItsFolderIsFound) {
  EXPECT_EQ(Faults("agent/loop.cc", "#include <sqlite3.h>\n"),
            Strings({"agent/loop.cc: #include of sqlite3.h belongs to store/"}));
  EXPECT_EQ(Faults("store/store.cc", "#include <toml++/toml.h>\n"),
            Strings({"store/store.cc: #include of toml++/toml.h belongs to cli/, task/"}));
  EXPECT_EQ(Faults("base/files.cc", "#include <gtest/gtest.h>\n").size(), 1U);
  EXPECT_EQ(Faults("store/store.cc", "#include <sqlite3.h>\n#include <vector>\n"), Strings());
  EXPECT_EQ(Faults("tests/store/store_test.cc", "#include <sqlite3.h>\n"), Strings());
}

TEST(LayeringTest, AFolderThatNobodyListedIsFound) {
  EXPECT_EQ(Faults("util/x.cc", ""), Strings({"util/x.cc: lies in a folder that the layering test does not know"}));
}

TEST(LayeringTest, GeneratedSourceIsNotOurs) {
  EXPECT_EQ(Faults("task/cpu_source.cc", "auto text = R\"cpp(\n#include \"kopt.h\"\n)cpp\";\n"), Strings());
  EXPECT_EQ(Faults("task/cpu_source.cc", "auto text = R\"(\n)\";\n#include \"kopt.h\"\n").size(), 1U);
}

}  // namespace
}  // namespace kopt
