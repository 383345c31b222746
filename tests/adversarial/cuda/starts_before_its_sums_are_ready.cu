// expect: mismatch: s\[
// Lets its second kernel start at once, and that one does not wait for the first.
//@ scratch part f32 [R]
//@ launch add_rows grid(ceil_div(R, 8)) block(256) args(x, part, R, C)
//@ launch copy grid(ceil_div(R, 256)) block(256) pdl args(part, s, R)

extern "C" __global__ void add_rows(const float* x, float* part, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  asm volatile("griddepcontrol.launch_dependents;");
  if (row >= R) return;
  for (int i = 0; i < 20; ++i) __nanosleep(1000);
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) part[row] = sum;
}
extern "C" __global__ void copy(float* part, float* s, int R) {
  const int row = blockIdx.x * 256 + threadIdx.x;
  if (row < R) s[row] = part[row];
}
