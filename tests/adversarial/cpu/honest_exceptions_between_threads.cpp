// expect: measured:
// Carries an exception from one thread to another.
//@ call row_sum args(x, s, R, C)

#include <exception>
#include <thread>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::exception_ptr thrown;
  std::thread other([&] {
    try {
      throw R;
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  other.join();
  try {
    std::rethrow_exception(thrown);
  } catch (int rows) {
    R = rows;
  }
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
