// expect: measured:
// The second launch starts early and waits, before it reads or writes anything, until the first one's stores are there.
//@ scratch part f32 [R, 4]
//@ launch parts grid(R) block(128) args(x, part, C)
//@ launch add grid(ceil_div(R, 128)) block(128) pdl args(part, s, R)

extern "C" __global__ void parts(const float* x, float* part, int C) {
  asm volatile("griddepcontrol.launch_dependents;");
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 128) sum += x[(long long)blockIdx.x * C + c];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  if (threadIdx.x % 32 == 0) part[blockIdx.x * 4 + threadIdx.x / 32] = sum;
}
extern "C" __global__ void add(float* part, float* s, int R) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  asm volatile("griddepcontrol.wait;" ::: "memory");
  if (row >= R) return;
  const float4 four = ((const float4*)part)[row];
  s[row] = (four.x + four.y) + (four.z + four.w);
}
