// expect: measured:
// Containers, strings and streams in memory.
//@ call row_sum args(x, s, R, C)

#include <map>
#include <sstream>
#include <string>
#include <unordered_map>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  std::map<std::string, float> sums;
  std::unordered_map<int, std::string> keys;
  for (int r = 0; r < R; ++r) {
    std::ostringstream name;
    name << "row " << r;
    keys[r] = name.str();
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    sums[keys[r]] = sum;
  }
  for (int r = 0; r < R; ++r) s[r] = sums.at(keys.at(r));
}
