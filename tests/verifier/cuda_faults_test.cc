// Who is to blame for an error of the driver.
#include "verifier/cuda/cuda_faults.h"

#include <gtest/gtest.h>

#include "verifier/cuda/device_worker.h"

namespace kopt {
namespace {

constexpr int kOutOfMemory = 2, kIllegalAddress = 700;

nlohmann::json Full(bool ours) {
  return {{"code", kOutOfMemory}, {"words", "full"}, {"ours", ours}, {"free", 500000000}, {"total", 141000000000}};
}

TEST(CudaFaultsTest, ACandidatesFaultIsARefusal) {
  const Stop fault = StopOf({{"code", kIllegalAddress}, {"words", "illegal"}}, Stage::kCheck, 1);
  ASSERT_FALSE(fault.ours);
  EXPECT_EQ(fault.refusal.outcome, Outcome::kCrashed);
  EXPECT_EQ(fault.refusal.evidence["driver"], "illegal");
  const Stop late = StopOf({{"code", 0}, {"words", "deadline"}}, Stage::kMeasure, 0.2);
  EXPECT_EQ(late.refusal.outcome, Outcome::kTimeout);
  EXPECT_EQ(late.refusal.reason, "it did not end within 0.20 s");
  EXPECT_EQ(StopOf(Full(false), Stage::kCheck, 1).refusal.outcome, Outcome::kLaunchError);
}

TEST(CudaFaultsTest, WhatKoptDoesForItselfIsNoVerdict) {
  const Stop fault = StopOf({{"code", kIllegalAddress}, {"words", "illegal"}, {"ours", true}}, Stage::kCheck, 1);
  ASSERT_TRUE(fault.ours);
  EXPECT_EQ(fault.ours->exit, Exit::kInternal);
  const Stop full = StopOf(Full(true), Stage::kCheck, 1);
  ASSERT_TRUE(full.ours);
  EXPECT_EQ(full.ours->exit, Exit::kEnvironment);
  EXPECT_NE(full.ours->message.find("0.5 GB of 141.0 GB are free"), std::string::npos) << full.ours->message;
  const Stop lost = StopOf({{"code", 46}, {"words", "gone for good"}}, Stage::kCheck, 1);
  ASSERT_TRUE(lost.ours);
  EXPECT_EQ(lost.ours->exit, Exit::kEnvironment);
}

TEST(CudaFaultsTest, AFaultInAnAnswerThatIsTrustedIsOurs) {
  const auto trusted = Trusted(DeviceAnswer{.json = {{"fault", Full(false)}}, .descriptors = {}}, "taking memory");
  ASSERT_FALSE(trusted);
  EXPECT_EQ(trusted.error().exit, Exit::kEnvironment);
  EXPECT_NE(trusted.error().message.find("(taking memory)"), std::string::npos) << trusted.error().message;
}

}  // namespace
}  // namespace kopt
