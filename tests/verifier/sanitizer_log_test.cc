// Logs of compute-sanitizer.
#include "verifier/cuda/sanitizer_log.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(SanitizerLog, NothingFound) {
  const auto found = ReadSanitizerLog("========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n");
  EXPECT_TRUE(found.ended);
  EXPECT_EQ(found.errors, 0);
  EXPECT_EQ(found.first, "");
}

TEST(SanitizerLog, TheFirstErrorAndItsPlace) {
  const auto found = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n"
      "========= Invalid __global__ read of size 4 bytes\n"
      "=========     at twice+0x70 in candidate.cu:4\n"
      "=========     by thread (31,0,0) in block (0,0,0)\n"
      "========= \n"
      "========= Invalid __global__ read of size 4 bytes\n"
      "========= ERROR SUMMARY: 2 errors\n");
  EXPECT_TRUE(found.ended);
  EXPECT_EQ(found.errors, 2);
  EXPECT_EQ(found.first, "Invalid __global__ read of size 4 bytes at twice+0x70 in candidate.cu:4");
}

TEST(SanitizerLog, HazardsAreErrorsOrWarnings) {
  const auto found = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n"
      "========= Error: Race reported between Write access at reduce+0x40 in candidate.cu:9\n"
      "=========     and Read access at reduce+0x80 in candidate.cu:11 [32 hazards]\n"
      "========= RACECHECK SUMMARY: 2 hazards displayed (1 error, 1 warning)\n");
  EXPECT_TRUE(found.ended);
  EXPECT_EQ(found.errors, 1);
  EXPECT_EQ(found.warnings, 1);
  const auto none = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n");
  EXPECT_TRUE(none.ended);
  EXPECT_EQ(none.errors + none.warnings, 0);
}

TEST(SanitizerLog, AnArrivalWithoutAWaitIsAWarning) {
  const std::string wait =
      "========= Barrier error detected. Missing wait.\n"
      "=========     at arrive+0x960 in candidate.cu:49\n";
  const auto found =
      ReadSanitizerLog("========= COMPUTE-SANITIZER\n" + wait + wait + "========= ERROR SUMMARY: 2 errors\n");
  EXPECT_EQ(found.errors, 0);
  EXPECT_EQ(found.warnings, 2);
  EXPECT_EQ(found.first, "Barrier error detected. Missing wait. at arrive+0x960 in candidate.cu:49");
  const auto both = ReadSanitizerLog("========= COMPUTE-SANITIZER\n" + wait +
                                     "========= Barrier error detected. Divergent thread(s) in block.\n"
                                     "=========     at twice+0x70 in candidate.cu:4\n"
                                     "========= ERROR SUMMARY: 2 errors\n");
  EXPECT_EQ(both.errors, 2);
  EXPECT_EQ(both.first, "Barrier error detected. Divergent thread(s) in block. at twice+0x70 in candidate.cu:4");
  EXPECT_EQ(ReadSanitizerLog("========= COMPUTE-SANITIZER\n" + wait).errors, 0);
  // What it counted and did not print may be anything.
  const auto more = ReadSanitizerLog("========= COMPUTE-SANITIZER\n" + wait + "========= ERROR SUMMARY: 2 errors\n");
  EXPECT_EQ(more.errors, 0);
  EXPECT_TRUE(more.remark.starts_with("it found more than it printed")) << more.remark;
}

TEST(SanitizerLog, AWideReadOfSharedMemoryIsAWarning) {
  const auto found = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n"
      "========= Invalid __shared__ read of size 12 bytes\n"
      "=========     at sort+0x10c0 in sort.cu:8\n"
      "========= ERROR SUMMARY: 1 error\n");
  EXPECT_EQ(found.errors, 0);
  EXPECT_EQ(found.warnings, 1);
  const auto write = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n========= Invalid __shared__ write of size 4 bytes\n"
      "=========     at sort+0x10c0 in sort.cu:8\n========= ERROR SUMMARY: 1 error\n");
  EXPECT_EQ(write.errors, 1);
  const auto narrow = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n========= Invalid __shared__ read of size 4 bytes\n"
      "=========     at sort+0x10c0 in sort.cu:8\n========= ERROR SUMMARY: 1 error\n");
  EXPECT_EQ(narrow.errors, 1);
}

TEST(SanitizerLog, WhatItSaysOfItselfIsNoFinding) {
  const auto found = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n"
      "========= Internal Sanitizer Error: The Sanitizer encountered an error when allocating memory\n"
      "=========     and more\n"
      "========= Error: Target application terminated before first instrumented API call\n"
      "========= ERROR SUMMARY: 1 error\n");
  EXPECT_TRUE(found.ended);
  EXPECT_EQ(found.errors, 0);
  EXPECT_EQ(found.first, "");
  EXPECT_EQ(found.remark, "Internal Sanitizer Error: The Sanitizer encountered an error when allocating memory");
}

TEST(SanitizerLog, AToolThatWasEndedHasFoundWhatItSaid) {
  EXPECT_FALSE(ReadSanitizerLog("").ended);
  EXPECT_EQ(ReadSanitizerLog("").errors, 0);
  EXPECT_FALSE(ReadSanitizerLog("ERROR SUMMARY: 0 errors\n").ended);
  const auto found = ReadSanitizerLog(
      "========= COMPUTE-SANITIZER\n========= Invalid __global__ read of size 4 bytes\n=========     at a+0x70 in "
      "c.cu:4\n");
  EXPECT_FALSE(found.ended);
  EXPECT_EQ(found.errors, 1);
  EXPECT_EQ(found.first, "Invalid __global__ read of size 4 bytes at a+0x70 in c.cu:4");
  EXPECT_EQ(ReadSanitizerLog("========= Warning: Race reported between\n").errors, 0);
}

}  // namespace
}  // namespace kopt
