#include "verifier/cuda/oracle_text.h"

#include "verifier/oracle/oracle_code.h"

namespace kopt {

// Embedded: device_std.cuh, oracle_loops.cuh.
extern const std::string_view kDeviceStdText, kCudaLoopsText;
// Embedded: base/mix.h, task/distribution.h, task/small_float.h, task/element.h, verifier/core/compare_rule.h,
// output_kernels.h and .cuh.
extern const std::string_view kMixText, kDistributionText, kSmallFloatText, kElementText, kCompareRuleText,
    kOutputTypesText, kOutputKernelsText;

namespace {

std::string Part(std::string_view name, std::string_view text) {
  return fmt::format("#line 1 \"{}\"\n{}\n", name, WithoutIncludes(text));
}

std::string DeviceStd() { return fmt::format("#line 1 \"device_std.cuh\"\n{}\n", kDeviceStdText); }

}  // namespace

const std::vector<std::string>& OracleCompileOptions() {
  static const std::vector<std::string> options = {"--std=c++20", "--device-as-default-execution-space",
                                                   "--fmad=false"};
  return options;
}

Result<std::string> GenerateCudaOracle(const Spec& spec) {
  return GenerateOracleKernels(spec, DeviceStd() + Part("oracle_loops.cuh", kCudaLoopsText));
}

std::vector<std::string> SolveKernels(const Spec& spec) {
  std::vector<std::string> kernels = {OracleKernel(kOracleBegin)};
  const OracleFunctions functions = FunctionsOf(spec);
  for (int i = 0; i < functions.references; ++i) {
    if (i > 0) kernels.push_back(OracleKernel(functions.Reference(i), true));
    kernels.push_back(OracleKernel(functions.Reference(i)));
  }
  return kernels;
}

std::vector<std::string> CodeKernels(const Spec& spec) {
  std::vector<std::string> kernels;
  const OracleFunctions functions = FunctionsOf(spec);
  for (size_t j = 0; j < functions.code_tensors.size(); ++j)
    kernels.push_back(OracleKernel(functions.Code(static_cast<int>(j))));
  return kernels;
}

std::string AcceptKernel(const Spec& spec, int k) { return OracleKernel(FunctionsOf(spec).Accept(k)); }

std::string OutputKernelsText() {
  return DeviceStd() + Part("mix.h", kMixText) + Part("distribution.h", kDistributionText) +
         Part("small_float.h", kSmallFloatText) + Part("element.h", kElementText) +
         Part("compare_rule.h", kCompareRuleText) + Part("output_kernels.h", kOutputTypesText) +
         Part("output_kernels.cuh", kOutputKernelsText);
}

StorageLayout LayoutOf(const BoundTensor& tensor) {
  StorageLayout layout{.dtype = tensor.tensor->dtype,
                       .rank = static_cast<int>(tensor.shape.size()),
                       .elements = tensor.elements,
                       .span = tensor.span};
  long long dense = 1;
  for (size_t d = tensor.shape.size(); d-- > 0; dense *= tensor.shape[d]) {
    layout.extent[d] = tensor.shape[d];
    layout.stride[d] = tensor.strides[d];
    if (tensor.strides[d] != dense && tensor.shape[d] != 1) layout.dense = 0;
  }
  return layout;
}

}  // namespace kopt
