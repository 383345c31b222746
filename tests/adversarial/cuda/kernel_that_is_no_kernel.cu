// expect: compile_error: candidate.cu
// Launches a function of the device.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __device__ void row_sum(const float* x, float* s, int R, int C) { s[0] = x[0]; }
