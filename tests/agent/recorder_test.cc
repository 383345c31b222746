#include "agent/recorder.h"

#include <gtest/gtest.h>

#include <regex>

namespace kopt {
namespace {

TEST(Recorder, RunNamesAreUniqueAndFileNameSafe) {
  EXPECT_TRUE(std::regex_match(NewRunName("attention"), std::regex("attention-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")));
  EXPECT_TRUE(NewRunName("../a b").starts_with("task.._a_b-"));
  EXPECT_TRUE(NewRunName(std::string(500, 'x')).size() < 100);
}

TEST(Recorder, ARunOfALivingProcessRuns) {
  RunRow run{.state = "running", .settings = {{"process", ProcessMark()}}};
  EXPECT_EQ(StateOf(run), "running");
}

TEST(Recorder, ARunWhoseProcessIsGoneIsInterrupted) {
  RunRow run{.state = "running", .settings = {{"process", ProcessMark()}}};
  run.settings["process"]["start"] = "1";  // the number belongs to another process now
  EXPECT_EQ(StateOf(run), "interrupted");
  run.settings["process"] = ProcessMark();
  run.settings["process"]["boot"] = "an earlier one";
  EXPECT_EQ(StateOf(run), "interrupted");
  run.settings["process"] = "nonsense";
  EXPECT_EQ(StateOf(run), "interrupted");
}

TEST(Recorder, ARunOfAnotherMachineIsBelieved) {
  RunRow run{.state = "running", .settings = {{"process", ProcessMark()}}};
  run.settings["process"]["host"] = "elsewhere";
  EXPECT_EQ(StateOf(run), "running");
  run.state = "done";
  EXPECT_EQ(StateOf(run), "done");
}

}  // namespace
}  // namespace kopt
