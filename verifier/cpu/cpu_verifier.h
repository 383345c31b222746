// The verifier of the cpu target: OpenMP C++ candidates, no GPU. docs/verdicts.md explains how a verdict is reached.
#pragma once

#include <memory>

#include "base/lane.h"
#include "verifier/core/host.h"
#include "verifier/core/verifier.h"

namespace kopt {

// The C++ compiler that candidates get: path and first line of --version; an environment error if there is none.
struct Compiler {
  std::string path, version;
};
Result<Compiler> FindCompiler();

// `spec` must outlive the verifier. Errors (exit 3): no compiler, no worker beside the program, no Landlock or seccomp
// while options.sandbox.
Result<std::unique_ptr<Verifier>> NewCpuVerifier(const Spec& spec, VerifierOptions options);

// The machine's name and what plan expressions may use: THREADS = CPUs this process may run on.
Device CpuDevice();

// Adds what decides verdicts beside the machine: the operating system, the worker, the compiler and its flags.
Result<void> AddFacts(Device& device, const std::filesystem::path& worker, const Compiler& compiler);

// Measures the device's peaks in about 6 s with kopt's own kernels, by the same worker and clock as any candidate.
Result<Peaks> CalibrateCpu(const VerifierOptions& options);

// options.peaks with better bandwidths where about 3 s find any. `lane`: not held.
Result<Peaks> CalibrateBandwidths(const VerifierOptions& options, Lane& lane);

// Looks at this host.
SandboxState ProbeSandbox();

}  // namespace kopt
