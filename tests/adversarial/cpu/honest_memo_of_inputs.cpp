// expect: measured:
// Remembers answers by a hash of all inputs. No inputs come twice, so that it gains nothing.
//@ call row_sum args(x, s, R, C)

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static std::unordered_map<uint64_t, std::vector<float>> known;
  uint64_t hash = 1469598103934665603u;
  for (long long i = 0; i < (long long)R * C; ++i) hash = (hash ^ __builtin_bit_cast(uint32_t, x[i])) * 1099511628211u;
  std::vector<float>& answer = known[hash];
  if (answer.size() != static_cast<std::size_t>(R)) {
    answer.resize(R);
    for (int r = 0; r < R; ++r) {
      float sum = 0;
      for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
      answer[r] = sum;
    }
  }
  for (int r = 0; r < R; ++r) s[r] = answer[r];
}
