// Every document of --json against a golden file, and docs/commands.md against both the goldens and the help texts.
#include <gtest/gtest.h>

#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

const std::vector<std::string> kCommands = {"init", "check", "verify", "bench", "optimize", "tune",   "resume",
                                            "next", "reply", "work",   "runs",  "show",     "export", "doctor"};

class DocumentsTest : public KoptTest {
 protected:
  // What the command prints is one document, equal to tests/cli/golden/NAME.json.
  void ExpectDocument(const std::string& name, const std::vector<std::string>& arguments, int exit) {
    EXPECT_EQ(Kopt(arguments), exit) << err_;
    EXPECT_EQ(err_, "");
    EXPECT_TRUE(nlohmann::json::accept(out_)) << out_;
    const std::string text = Steady(out_, folder_->path());
    const auto path = SourceFolder() / "tests/cli/golden" / (name + ".json");
    if (UpdatesGoldens()) {
      ASSERT_TRUE(WriteFile(path, text));
    }
    EXPECT_EQ(text, Read(path)) << name;
  }
};

TEST_F(DocumentsTest, EqualTheGoldens) {
  environment_["KOPT_SEARCH"] = "random";  // an order that does not depend on how a machine rounds
  ExpectDocument("init", {"init", "norm", "--json"}, 0);
  ExpectDocument("check", {"check", "norm.spec", "--json"}, 0);
  ExpectDocument("verify", {"verify", "norm.spec", "norm.cpp", "--json"}, 0);
  Write("other.cpp",
        std::regex_replace(Read("norm.cpp"), std::regex("LANES = 8 . 4 . 16 . 32"), "LANES = 32 | 8 | 4 | 16"));
  ExpectDocument("bench", {"bench", "norm.spec", "norm.cpp", "other.cpp", "--json"}, 0);
  ExpectDocument("error", {"verify", "norm.spec", "norm.cpp", "--set", "LANES=7", "--json"}, 2);
  // Four configurations only, so that the documents stay short.
  Write("norm.cpp", std::regex_replace(Read("norm.cpp"), std::regex("//@ tune CHUNK[^\n]*"), "//@ tune CHUNK = 16"));
  ExpectDocument("optimize", {"optimize", "norm.spec", "--budget", "1m", "--random-seed", "3", "--json"}, 0);
  ExpectDocument("runs", {"runs", "--json"}, 0);
  ExpectDocument("show", {"show", "last", "--json"}, 0);
  ExpectDocument("show_turn", {"show", "last", "0", "--json"}, 0);
  ExpectDocument("export", {"export", "last", "--json"}, 0);
  ExpectDocument("doctor", {"doctor", "--json"}, 0);
}

// Replaces what stands between a line `<!-- MARK -->` and the end of the fenced block below it.
std::string WithBlock(const std::string& docs, const std::string& mark, const std::string& block) {
  const std::string line = "<!-- " + mark + " -->\n";
  const size_t begin = docs.find(line);
  if (begin == std::string::npos) return docs + "\n" + line + block;
  const size_t fence = docs.find("\n```", begin);
  const size_t end = fence == std::string::npos ? fence : docs.find("\n```\n", fence + 1);
  if (end == std::string::npos) return docs;
  return docs.substr(0, begin) + line + block + docs.substr(end + 5);
}

std::string Fenced(const std::string& language, const std::string& text) {
  return "```" + language + "\n" + text + "```\n";
}

TEST_F(DocumentsTest, DocumentationEqualsTheProgram) {
  const auto path = SourceFolder() / "docs/commands.md";
  const std::string docs = Read(path);
  std::string wanted = docs;
  ASSERT_EQ(Kopt({"--help"}), 0);
  wanted = WithBlock(wanted, "help", Fenced("text", out_));
  for (const std::string& command : kCommands) {
    ASSERT_EQ(Kopt({command, "--help"}), 0);
    wanted = WithBlock(wanted, "help: " + command, Fenced("text", out_));
  }
  ASSERT_EQ(Kopt({"runs", "rm", "--help"}), 0);
  wanted = WithBlock(wanted, "help: runs rm", Fenced("text", out_));
  for (const std::string name : {"init", "check", "verify", "bench", "error", "optimize", "runs", "show", "show_turn",
                                 "show_exchange", "export", "doctor"}) {
    const std::string golden = Read(SourceFolder() / "tests/cli/golden" / (name + ".json"));
    wanted = WithBlock(wanted, "document: " + name, Fenced("json", golden));
  }
  if (UpdatesGoldens()) {
    ASSERT_TRUE(WriteFile(path, wanted));
  }
  EXPECT_EQ(wanted, Read(path)) << "run the test with KOPT_UPDATE_GOLDEN=1";
}

}  // namespace
}  // namespace kopt
