// expect: measured:
// A coroutine that yields one sum after the other.
//@ call row_sum args(x, s, R, C)

#include <coroutine>
#include <exception>

struct Sums {
  struct promise_type {
    float value = 0;
    Sums get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(float sum) {
      value = sum;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

static Sums SumsOf(const float* x, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    co_yield sum;
  }
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  Sums sums = SumsOf(x, R, C);
  for (int r = 0; r < R; ++r) {
    sums.handle.resume();
    s[r] = sums.handle.promise().value;
  }
  sums.handle.destroy();
}
