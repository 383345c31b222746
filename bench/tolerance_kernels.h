// The same five tasks, computed in f32 in many ways: honest ones that a good kernel may use, and downgraded ones that a
// check must refuse. Inputs and outputs are dense and row-major.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kopt::bench {

enum class Order { kSequential, kFused, kPairwise, kLanes };

// How a kernel computes.
struct Style {
  std::string name;
  bool honest = true;
  Order order = Order::kSequential;     // of sums
  std::function<float(float)> operand;  // what a product does to its operands; empty: nothing
  std::function<float(float)> exp;      // empty: std::exp
  bool online = false;                  // softmax: one pass with a running maximum; norm: one pass
  int skip = 0;                         // terms left out of every sum
};

float Tf32(float x);     // 10 bits after the point, to nearest
float Bf16(float x);     // 7 bits after the point, to nearest
float FastExp(float x);  // about 2 ulp
float HalfExp(float x);  // std::exp to 10 bits after the point

using Inputs = std::vector<std::span<const float>>;
struct Sizes {
  long long batch = 1, rows = 1, columns = 1, depth = 1;
};

std::vector<float> Matmul(const Style& style, const Inputs& inputs, Sizes s);     // rows x depth x columns
std::vector<float> Softmax(const Style& style, const Inputs& inputs, Sizes s);    // rows x columns
std::vector<float> Norm(const Style& style, const Inputs& inputs, Sizes s);       // x, gain, shift
std::vector<float> PrefixSum(const Style& style, const Inputs& inputs, Sizes s);  // rows x columns
// q, k, v of batch x rows x depth, scores scaled and biased by slope * (i - j).
std::vector<float> Attention(const Style& style, const Inputs& inputs, Sizes s, float scale, float slope);

}  // namespace kopt::bench
