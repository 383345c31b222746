// Specs put together in code: for tests of what comes after the parser.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "task/spec.h"

namespace kopt {

inline Expr ExprOf(const std::string& text) {
  Result<Expr> expr = Expr::Parse(text);
  return expr ? *expr : Expr::Constant(-1);
}

inline std::vector<Expr> ExprsOf(std::initializer_list<std::string> texts) {
  std::vector<Expr> exprs;
  for (const std::string& text : texts) exprs.push_back(ExprOf(text));
  return exprs;
}

inline Tensor TensorOf(Tensor::Role role, std::string name, DType dtype, std::initializer_list<std::string> shape) {
  Tensor tensor{.name = std::move(name), .role = role, .dtype = dtype, .shape = ExprsOf(shape)};
  if (!IsFloating(dtype)) tensor.compare = Compare::kExact;
  return tensor;
}
inline Tensor Input(std::string name, DType dtype, std::initializer_list<std::string> shape) {
  return TensorOf(Tensor::Role::kInput, std::move(name), dtype, shape);
}
inline Tensor Inout(std::string name, DType dtype, std::initializer_list<std::string> shape) {
  return TensorOf(Tensor::Role::kInout, std::move(name), dtype, shape);
}
inline Tensor Output(std::string name, DType dtype, std::initializer_list<std::string> shape) {
  return TensorOf(Tensor::Role::kOutput, std::move(name), dtype, shape);
}
inline Tensor Temp(std::string name, std::initializer_list<std::string> shape) {
  return TensorOf(Tensor::Role::kTemp, std::move(name), DType::kF64, shape);
}

inline std::vector<Over> OverOf(std::initializer_list<std::pair<std::string, std::string>> loops) {
  std::vector<Over> over;
  for (const auto& [index, extent] : loops) over.push_back({index, ExprOf(extent)});
  return over;
}

// A spec with one shape and f32 precision; `dims` in order.
inline Spec SpecOf(std::initializer_list<std::pair<std::string, long long>> dims, std::vector<Tensor> tensors,
                   std::vector<Reference> references) {
  Spec spec{.file = "task.spec", .name = "task"};
  Shape shape;
  for (const auto& [name, value] : dims) {
    spec.dims.push_back(name);
    shape.dims[name] = value;
  }
  spec.shapes.push_back(std::move(shape));
  spec.tensors = std::move(tensors);
  spec.references = std::move(references);
  return spec;
}

}  // namespace kopt
