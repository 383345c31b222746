#include "verifier/cuda/plan.h"

namespace kopt::worker {
namespace {

using nlohmann::json;

PlanArg ArgOf(const json& row) {
  static const std::map<std::string, PlanArg::Kind> kKinds = {{"tensor", PlanArg::Kind::kTensor},
                                                              {"scratch", PlanArg::Kind::kScratch},
                                                              {"scalar", PlanArg::Kind::kScalar},
                                                              {"map", PlanArg::Kind::kMap},
                                                              {"value", PlanArg::Kind::kImmediate}};
  return {.kind = kKinds.at(row.at(0)), .value = row.at(1)};
}

PlanStep StepOf(const json& row) {
  PlanStep step;
  if (row.contains("zero")) {
    step.zeroed = ArgOf(row.at("zero"));
    step.zero_bytes = row.at("bytes");
    return step;
  }
  step.name = row.at("launch");
  step.grid = row.at("grid");
  step.block = row.at("block");
  step.cluster = row.at("cluster");
  step.shared = row.at("shared");
  step.cooperative = row.at("cooperative");
  step.dependent = row.at("dependent");
  for (const json& arg : row.at("args")) step.args.push_back(ArgOf(arg));
  return step;
}

PlanMap MapOf(const json& row) {
  PlanMap map{.base = ArgOf(row.at("base")),
              .type = static_cast<CUtensorMapDataType>(row.at("type").get<int>()),
              .dims = row.at("dims").get<std::vector<cuuint64_t>>(),
              .strides = row.at("strides").get<std::vector<cuuint64_t>>(),
              .box = row.at("box").get<std::vector<cuuint32_t>>(),
              .step = row.at("step").get<std::vector<cuuint32_t>>()};
  const int swizzle = row.at("swizzle");
  map.swizzle = swizzle == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
                : swizzle == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
                : swizzle == 32 ? CU_TENSOR_MAP_SWIZZLE_32B
                                : CU_TENSOR_MAP_SWIZZLE_NONE;
  const int promotion = row.at("l2");
  map.promotion = promotion == 256   ? CU_TENSOR_MAP_L2_PROMOTION_L2_256B
                  : promotion == 128 ? CU_TENSOR_MAP_L2_PROMOTION_L2_128B
                  : promotion == 64  ? CU_TENSOR_MAP_L2_PROMOTION_L2_64B
                                     : CU_TENSOR_MAP_L2_PROMOTION_NONE;
  map.nan_fill = row.at("nan");
  return map;
}

}  // namespace

Plan::Plan(const Device& device, Module& module, const json& plan) : module_(&module) {
  for (const json& row : plan.at("maps")) maps_.push_back(MapOf(row));
  scratch_bytes_ = plan.at("scratch").get<std::vector<size_t>>();
  for (const json& row : plan.at("steps")) {
    if (row.contains("library")) {
      steps_.push_back({.library = NewLibraryCall(device, row)});
      steps_.back().library->Choose(row.at("proposal"));
      continue;
    }
    steps_.push_back(StepOf(row));
    PlanStep& step = steps_.back();
    if (step.name.empty()) continue;
    step.function = module.Function(step.name);
    module.AllowShared(step.name, step.shared);
    const bool large = step.cluster[0] * step.cluster[1] * step.cluster[2] > 8;
    if (large) {
      device.Check(
          device.driver().cuFuncSetAttribute(step.function, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1),
          step.name.c_str());
    }
  }
}

CUdeviceptr Plan::AddressOf(const PlanArg& arg, const Operands& set) const {
  if (arg.kind == PlanArg::Kind::kTensor) return set.TensorAt(arg.value);
  return set.ScratchAt(arg.value, scratch_bytes_.at(arg.value));
}

void Plan::Bind(const Device& device, const Operands& set, int number) {
  Bound& bound = bound_[number];
  bound = {};
  for (const PlanMap& map : maps_) {
    CUtensorMap& encoded = bound.maps.emplace_back();
    constexpr cuuint64_t kNone = 0;  // the driver wants a place for the strides of one dimension, too: there are none
    device.Check(
        device.driver().cuTensorMapEncodeTiled(
            &encoded, map.type, static_cast<cuuint32_t>(map.dims.size()),
            reinterpret_cast<void*>(AddressOf(map.base, set)), map.dims.data(),
            map.strides.empty() ? &kNone : map.strides.data(), map.box.data(), map.step.data(),
            CU_TENSOR_MAP_INTERLEAVE_NONE, map.swizzle, map.promotion,
            map.nan_fill ? CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA : CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
        "a tensor map");
  }
  for (const PlanStep& step : steps_) {
    if (step.library) step.library->Bind(set, number);
    auto& values = bound.values.emplace_back(step.args.size());
    auto& pointers = bound.pointers.emplace_back();
    bound.zeroed.push_back(step.function == nullptr && !step.library ? AddressOf(step.zeroed, set) : 0);
    for (size_t i = 0; i < step.args.size(); ++i) {
      const PlanArg& arg = step.args[i];
      pointers.push_back(&values[i]);
      switch (arg.kind) {
        case PlanArg::Kind::kTensor:
        case PlanArg::Kind::kScratch:
          values[i] = AddressOf(arg, set);
          break;
        case PlanArg::Kind::kScalar:
          values[i] = set.ScalarAt(arg.value);
          break;
        case PlanArg::Kind::kMap:
          pointers.back() = &bound.maps.at(arg.value);
          break;
        case PlanArg::Kind::kImmediate:
          values[i] = arg.value;
      }
    }
  }
}

void Plan::Launch(const Device& device, int number, BlockedTimer* timer) {
  const Bound& bound = bound_.at(number);
  launched_ = true;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const PlanStep& step = steps_[i];
    if (timer != nullptr) timer->CountLaunch();
    if (step.library) {
      step.library->Launch(number);
      continue;
    }
    if (step.function == nullptr) {
      device.Check(device.driver().cuMemsetD8Async(bound.zeroed[i], 0, step.zero_bytes, device.stream()), "zero");
      continue;
    }
    std::array<CUlaunchAttribute, 3> attributes{};
    unsigned count = 0;
    if (step.cluster[0] > 0) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
      attributes[count++].value.clusterDim = {step.cluster[0], step.cluster[1], step.cluster[2]};
    }
    if (step.cooperative) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
      attributes[count++].value.cooperative = 1;
    }
    if (step.dependent) {
      attributes[count].id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
      attributes[count++].value.programmaticStreamSerializationAllowed = 1;
    }
    CUlaunchConfig config{};
    config.gridDimX = step.grid[0];
    config.gridDimY = step.grid[1];
    config.gridDimZ = step.grid[2];
    config.blockDimX = step.block[0];
    config.blockDimY = step.block[1];
    config.blockDimZ = step.block[2];
    config.sharedMemBytes = step.shared;
    config.hStream = device.stream();
    config.attrs = attributes.data();
    config.numAttrs = count;
    device.Check(
        device.driver().cuLaunchKernelEx(&config, step.function, const_cast<void**>(bound.pointers[i].data()), nullptr),
        step.name.c_str());
  }
}

}  // namespace kopt::worker
