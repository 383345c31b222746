// expect: measured:
// Inline PTX: warps of many blocks add parts of a row to a zeroed output with `red`, which returns nothing.
//@ zero s
//@ launch row_sum grid(R, ceil_div(C, 512)) block(128) args(x, s, C)

extern "C" __global__ void row_sum(const float* x, float* s, int C) {
  const float* in = x + (long long)blockIdx.x * C;
  const int first = blockIdx.y * 512 + threadIdx.x;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int c = first + i * 128;
    float value = 0;
    asm("{\n.reg .pred inside;\nsetp.ne.s32 inside, %2, 0;\n@inside ld.global.f32 %0, [%1];\n}"
        : "+f"(value)
        : "l"(in + c), "r"((int)(c < C)));
    asm("add.rn.f32 %0, %0, %1;" : "+f"(sum) : "f"(value));
  }
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
  unsigned lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  if (lane == 0) asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(s + blockIdx.x), "f"(sum) : "memory");
}
