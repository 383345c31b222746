// Specs made by hand, so that tests of candidates do not depend on the spec's parser.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "task/spec.h"

namespace kopt {

class SpecBuilder {
 public:
  // A name in `dynamic` must be in `dims` too.
  explicit SpecBuilder(std::vector<std::string> dims, std::vector<std::string> dynamic = {}) {
    spec_.file = "test.spec";
    spec_.name = "test";
    spec_.dims = std::move(dims);
    spec_.dynamic = std::move(dynamic);
  }

  SpecBuilder& Shape(Values dims) {
    spec_.shapes.push_back({.dims = std::move(dims)});
    return *this;
  }
  SpecBuilder& Tensor(Tensor::Role role, std::string name, DType dtype, std::vector<std::string> shape) {
    kopt::Tensor tensor;
    tensor.name = std::move(name);
    tensor.role = role;
    tensor.dtype = dtype;
    for (const std::string& extent : shape) tensor.shape.push_back(Expr::Parse(extent).value());
    spec_.tensors.push_back(std::move(tensor));
    return *this;
  }
  SpecBuilder& Input(std::string name, DType dtype, std::vector<std::string> shape) {
    return Tensor(kopt::Tensor::Role::kInput, std::move(name), dtype, std::move(shape));
  }
  SpecBuilder& Inout(std::string name, DType dtype, std::vector<std::string> shape) {
    return Tensor(kopt::Tensor::Role::kInout, std::move(name), dtype, std::move(shape));
  }
  SpecBuilder& Output(std::string name, DType dtype, std::vector<std::string> shape) {
    return Tensor(kopt::Tensor::Role::kOutput, std::move(name), dtype, std::move(shape));
  }
  SpecBuilder& Temp(std::string name, std::vector<std::string> shape) {
    return Tensor(kopt::Tensor::Role::kTemp, std::move(name), DType::kF32, std::move(shape));
  }
  SpecBuilder& Scalar(std::string name, DType dtype, std::string value) {
    kopt::Scalar scalar;
    scalar.name = std::move(name);
    scalar.dtype = dtype;
    scalar.value = Expr::Parse(value).value();
    spec_.scalars.push_back(std::move(scalar));
    return *this;
  }
  SpecBuilder& Scratch(long long bytes) {
    spec_.limits.scratch = bytes;
    return *this;
  }
  Spec Build() const { return spec_; }

 private:
  Spec spec_;
};

// B and S are dynamic; q, k, v, o as in attention, an inout and a temp beside them.
inline Spec AttentionSpec() {
  std::vector<std::string> shape = {"B", "H", "S", "D"};
  return SpecBuilder({"B", "H", "S", "D"}, {"B", "S"})
      .Shape({{"B", 2}, {"H", 4}, {"S", 128}, {"D", 64}})
      .Shape({{"B", 1}, {"H", 4}, {"S", 77}, {"D", 64}})
      .Input("q", DType::kF32, shape)
      .Input("k", DType::kF32, shape)
      .Input("v", DType::kF16, shape)
      .Inout("state", DType::kF32, {"B"})
      .Output("o", DType::kF32, shape)
      .Temp("m", {"B"})
      .Scalar("scale", DType::kF32, "1 / sqrt(D)")
      .Build();
}

}  // namespace kopt
