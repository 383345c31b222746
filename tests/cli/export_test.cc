// `kopt export` on a simulated device: which runs it takes, what it writes where.
#include <gtest/gtest.h>

#include "store/store.h"
#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

class ExportTest : public KoptTest {
 protected:
  void Optimize() {
    Init();
    ASSERT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m", "--random-seed", "3"}), 0) << err_;
  }
};

TEST_F(ExportTest, WritesWhatItNames) {
  Optimize();
  ASSERT_EQ(Kopt({"export", "last", "--json"}), 0) << err_;
  const auto document = nlohmann::json::parse(out_);
  EXPECT_EQ(document["folder"], "norm_kernel-export");
  EXPECT_EQ(document["function"], "norm_kernel::Run");
  const std::filesystem::path folder = "norm_kernel-export";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) files += entry.is_regular_file();
  EXPECT_EQ(document["files"].size(), files);
  for (const auto& file : document["files"])
    EXPECT_TRUE(std::filesystem::exists(folder / file.get<std::string>())) << file;
  EXPECT_NE(Read(folder / "src/kernel.inl").find("tune LANES = "), std::string::npos);
  EXPECT_NE(Read(folder / "include/norm_kernel.h").find("namespace norm_kernel {"), std::string::npos);
  EXPECT_EQ(Kopt({"export", "last"}), 2);
  EXPECT_NE(err_.find("is not empty"), std::string::npos) << err_;
}

TEST_F(ExportTest, ARunWithoutAWinnerHasNothingToExport) {
  verifier_.behave = [](const Configuration&) { return Behaviour{}; };
  Init();
  ASSERT_EQ(Kopt({"optimize", "norm.spec", "--budget", "1m"}), 1) << err_;
  EXPECT_EQ(Kopt({"export", "last"}), 2);
  EXPECT_NE(err_.find("has no confirmed winner"), std::string::npos) << err_;
  EXPECT_NE(err_.find("--budget"), std::string::npos) << err_;
  EXPECT_FALSE(std::filesystem::exists("norm_kernel-export"));
}

TEST_F(ExportTest, AnUnfinishedRunThatHasAWinnerCanBeExported) {
  Optimize();
  auto store = Store::Open(folder_->path() / "state");
  ASSERT_TRUE(store);
  auto run = store->FindRun("last");
  ASSERT_TRUE(run);
  run->state = "running";
  run->result = nullptr;
  ASSERT_TRUE(store->UpdateRun(*run));
  EXPECT_EQ(Kopt({"export", "last"}), 0) << err_;
}

TEST_F(ExportTest, ABrokenDrawLeavesNoFolder) {
  Optimize();
  verifier_.no_example = true;
  EXPECT_EQ(Kopt({"export", "last", "--out", "gone"}), 3);
  EXPECT_NE(err_.find("no example today"), std::string::npos) << err_;
  EXPECT_FALSE(std::filesystem::exists("gone"));
}

TEST_F(ExportTest, ManifestComesAlong) {
  Optimize();
  ASSERT_EQ(Kopt({"export", "last", "--out", "x"}), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(Read("x/manifest.json"))["made_with"]["version"], "0.1.0");
  EXPECT_NE(Read("x/README.md").find("manifest.json"), std::string::npos);
}

}  // namespace
}  // namespace kopt
