// expect: mismatch: s\[
// Hands its work to a thread that stays; waits for it in the first calls only, which are all that checks make.
//@ call row_sum args(x, s, R, C)

#include <atomic>
#include <thread>

struct Work {
  const float* x;
  float* s;
  int R, C;
};
static Work queue[4096];
static std::atomic<int> given{0}, done{0};

static void Run(const Work& work) {
  for (int r = 0; r < work.R; ++r) {
    float sum = 0;
    for (int c = 0; c < work.C; ++c) sum += work.x[(long long)r * work.C + c];
    work.s[r] = sum;
  }
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const int call = given.load();
  if (call < 4) {
    Run({x, s, R, C});
    given = call + 1, done = call + 1;
    return;
  }
  if (call == 4)
    std::thread([] {
      for (;; done = done + 1) {
        while (given == done) {
        }
        Run(queue[done % 4096]);
      }
    }).detach();
  queue[call % 4096] = {x, s, R, C};
  given = call + 1;
}
