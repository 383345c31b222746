#include "cli/config.h"

#include <gtest/gtest.h>

#include "tests/cli/kopt_fixture.h"

namespace kopt {
namespace {

class ConfigTest : public KoptTest {
 protected:
  std::string File() const { return (folder_->path() / ".config/kopt/config.toml").string(); }
  Result<Config> ReadConfig() {
    return Config::Read([&](const char* name) { return Environment(name); });
  }
};

TEST_F(ConfigTest, FlagsOverEnvironmentOverFile) {
  Write(File(), "# mine\nbudget = \"10m\"\ntarget = \"cpu\"\ntarget_speedup = 1.5\n");
  environment_["KOPT_BUDGET"] = "20m";
  const auto config = ReadConfig();
  ASSERT_TRUE(config) << config.error().Text();
  EXPECT_EQ(config->Find("budget", "30m")->value, "30m");
  EXPECT_EQ(config->Find("budget", "30m")->source, "--budget");
  EXPECT_EQ(config->Find("budget", "")->value, "20m");
  EXPECT_EQ(config->Find("budget", "")->source, "KOPT_BUDGET");
  EXPECT_EQ(config->Find("target", "")->source, File() + ":3");
  EXPECT_EQ(config->Find("target_speedup", "")->value, "1.5");
  environment_.erase("KOPT_STATE");
  EXPECT_FALSE(ReadConfig()->Find("state", ""));
}

TEST_F(ConfigTest, NoFileIsFine) { EXPECT_TRUE(ReadConfig()); }

TEST_F(ConfigTest, FolderOfTheEnvironment) {
  environment_["XDG_CONFIG_HOME"] = (folder_->path() / "xdg").string();
  EXPECT_EQ(ReadConfig()->file(), (folder_->path() / "xdg/kopt/config.toml").string());
}

TEST_F(ConfigTest, UnknownKeyNamesTheNearest) {
  Write(File(), "target = \"cpu\"\nbugdet = \"10m\"\n");
  const auto config = ReadConfig();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().exit, Exit::kUsage);
  EXPECT_EQ(config.error().message, "unknown key `bugdet`");
  EXPECT_EQ(config.error().file, File());
  EXPECT_EQ(config.error().line, 2);
  EXPECT_EQ(config.error().key, "bugdet");
  EXPECT_EQ(config.error().hint, "did you mean `budget`?");
}

TEST_F(ConfigTest, NoTomlIsAnErrorWithItsLine) {
  Write(File(), "target = \"cpu\"\nbudget = = 3\n");
  const auto config = ReadConfig();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().line, 2);
  EXPECT_EQ(config.error().file, File());
}

TEST_F(ConfigTest, AListIsNoValue) {
  Write(File(), "budget = [1]\n");
  const auto config = ReadConfig();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "`budget` must be text or a number");
}

TEST_F(ConfigTest, CommandsUseIt) {
  Init();
  Write(File(), "budget = \"15x\"\n");
  EXPECT_EQ(Kopt({"optimize", "norm.spec"}), 2);
  EXPECT_EQ(err_,
            "kopt: `15x` is not a duration (at `" + File() + ":1`)\nhint: write it as 90, 90s, 15m, 1h30m or 2h\n");
}

}  // namespace
}  // namespace kopt
