// The sum of two vectors as a textbook writes it: one loop, parallel over elements.
// What the speedup of examples/vector_add.spec is against.
//@ call vector_add args(a, b, c, i64(N))

extern "C" void vector_add(const float* a, const float* b, float* c, long long n) {
#pragma omp parallel for
  for (long long i = 0; i < n; ++i) c[i] = a[i] + b[i];
}
