// No secret of the user's reaches a process that works for kopt.
#include "verifier/cuda/worker_environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/process.h"

namespace kopt {
namespace {

using Variables = std::vector<std::string>;

TEST(WorkerEnvironmentTest, SecretsByName) {
  for (const char* name : {"OPENAI_API_KEY", "KOPT_API_KEY", "HF_TOKEN", "AWS_SECRET", "DB_PASSWORD", "my_key"}) {
    EXPECT_TRUE(NamesSecret(name)) << name;
  }
  for (const char* name : {"", "PATH", "KEYBOARD", "TOKENIZERS_PARALLELISM", "KE", "NVIDIA_VISIBLE_DEVICES"}) {
    EXPECT_FALSE(NamesSecret(name)) << name;
  }
}

TEST(WorkerEnvironmentTest, OnlyWhatNamesDevices) {
  const char* all[] = {"OPENAI_API_KEY=sk-1", "HOME=/root", "CUDA_VISIBLE_DEVICES=1", "LD_LIBRARY_PATH=/x=y", nullptr};
  EXPECT_EQ(WorkerEnvironment(all),
            (Variables{"PATH=/usr/bin:/bin", "LC_ALL=C", "CUDA_VISIBLE_DEVICES=1", "LD_LIBRARY_PATH=/x=y"}));
}

TEST(WorkerEnvironmentTest, EverythingButSecretsForProfilers) {
  const char* all[] = {"OPENAI_API_KEY=sk-1", "HOME=/root",    "KOPT_WORKER_ENVIRONMENT=1",
                       "WANDB_TOKEN=t",       "NCU_PORT=1234", nullptr};
  EXPECT_EQ(WorkerEnvironment(all),
            (Variables{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/root", "KOPT_WORKER_ENVIRONMENT=1", "NCU_PORT=1234"}));
}

// What holds for every process that kopt starts: the variables it is given, and none of kopt's own.
TEST(WorkerEnvironmentTest, ProcessesInheritNothing) {
  setenv("OPENAI_API_KEY", "sk-proj-0123456789", 1);
  auto pipe = MakePipe();
  ASSERT_TRUE(pipe);
  auto process =
      ProcessGroup::Spawn({.command = {"/usr/bin/env"}, .environment = {"LC_ALL=C"}, .output = pipe->second.get()});
  unsetenv("OPENAI_API_KEY");
  ASSERT_TRUE(process) << process.error().Text();
  pipe->second.Close();
  int status = 0;
  ASSERT_TRUE(process->WaitFor(60, status));
  CappedReader reader;
  reader.Drain(pipe->first.get());
  EXPECT_EQ(reader.text(), "LC_ALL=C\n");
}

}  // namespace
}  // namespace kopt
