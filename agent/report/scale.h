// Axes of a plot: where a value lies, and which values get a label.
#pragma once

#include <string>
#include <vector>

namespace kopt {

// Maps low..high evenly to from..to, or their logarithms.
struct Scale {
  double low = 0, high = 1;  // low < high; positive if `log`
  double from = 0, to = 1;   // on paper
  bool log = false;
  // What lies outside is moved to the nearer end.
  double At(double value) const;
};

struct Tick {
  double value = 0;
  std::string label;
};

// The multiples of 1, 2 or 5 x 10^n in low..high (low < high, both finite), with the least step that makes no more than
// `most`.
std::vector<Tick> LinearTicks(double low, double high, int most);
// 1, 2 and 5 x 10^n in low..high (0 < low < high); powers of ten alone where these are too many, then every second one
// and so on.
std::vector<Tick> LogTicks(double low, double high, int most);

// The axis of speedups: holds 1 and every value that is finite and positive, with room at both ends; logarithmic if
// they differ by more than a factor of 4. At least two ticks.
struct SpeedupAxis {
  Scale scale;
  std::vector<Tick> ticks;
};
SpeedupAxis SpeedupAxisOf(const std::vector<double>& speedups, double from, double to);

// An axis of time or of tokens, from 0 to `last` or a little more, in the unit that gives short labels.
struct AmountAxis {
  Scale scale;              // of seconds or tokens
  std::vector<Tick> ticks;  // values in seconds or tokens, labels in the unit
  std::string unit;         // "s", "min" or "h"; "", "k", "M" or "G"
};
AmountAxis TimeAxisOf(double last, double from, double to);
AmountAxis TokenAxisOf(double last, double from, double to);

}  // namespace kopt
