// expect: measured:
// Classes, virtual calls, a function object and dynamic_cast.
//@ call row_sum args(x, s, R, C)

#include <functional>
#include <memory>

struct Adder {
  virtual ~Adder() = default;
  virtual float Add(float a, float b) const = 0;
};
struct Plain : Adder {
  float Add(float a, float b) const override { return a + b; }
};

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const std::shared_ptr<Adder> adder = std::make_shared<Plain>();
  const std::function<float(float, float)> add = [&](float a, float b) { return adder->Add(a, b); };
  if (dynamic_cast<Plain*>(adder.get()) == nullptr) return;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum = add(sum, x[(long long)r * C + c]);
    s[r] = sum;
  }
}
