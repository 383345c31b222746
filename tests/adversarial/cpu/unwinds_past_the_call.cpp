// expect: crashed:
// Unwinds the stack through the worker, as if a thread were cancelled.
//@ call row_sum args(x, s, R, C)

#include <unwind.h>

static _Unwind_Reason_Code Stop(int, _Unwind_Action, _Unwind_Exception_Class, _Unwind_Exception*, _Unwind_Context*,
                                void*) {
  return _URC_NO_REASON;
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
  static _Unwind_Exception exception{};
  _Unwind_ForcedUnwind(&exception, Stop, nullptr);
  __builtin_trap();
}
