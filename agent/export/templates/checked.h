// What a call needs beside the kernel: integers that cannot overflow, sizes and places of tensors. Written by kopt.
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace {

// Integers of 64 bits as the kernel's plan has them: division truncates, a comparison is 1 or 0. Where there is no
// result (an overflow, a division by zero) it is 0 and `fault` says so; the first fault is kept.
class Checked {
 public:
  std::string fault;

  // What is computed now, for the text of a fault: a line of the kernel, or a tensor.
  void Line(int line) {
    line_ = line;
    name_ = nullptr;
  }
  void Tensor(const char* name) { name_ = name; }

  static long long Is(bool holds) { return holds ? 1 : 0; }

  long long Add(long long a, long long b) {
    long long sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? Fail(kOverflow) : sum;
  }
  long long Sub(long long a, long long b) {
    long long difference = 0;
    return __builtin_sub_overflow(a, b, &difference) ? Fail(kOverflow) : difference;
  }
  long long Mul(long long a, long long b) {
    long long product = 0;
    return __builtin_mul_overflow(a, b, &product) ? Fail(kOverflow) : product;
  }
  long long Neg(long long a) { return Sub(0, a); }
  long long Div(long long a, long long b) { return Divides(a, b) ? a / b : 0; }
  long long Mod(long long a, long long b) { return Divides(a, b) ? a % b : 0; }
  long long Pow(long long base, long long exponent) {
    if (exponent < 0) return Fail("pow of a negative exponent");
    long long result = 1;
    while (exponent > 0) {
      if ((exponent & 1) != 0) result = Mul(result, base);
      exponent >>= 1;
      if (exponent > 0) base = Mul(base, base);
    }
    return result;
  }
  long long CeilDiv(long long a, long long b) {
    if (b <= 0) return Fail("a divisor that is not positive");
    return a / b + (a % b > 0 ? 1 : 0);
  }
  // `a` rounded up to a multiple of `b`.
  long long Align(long long a, long long b) { return Mul(CeilDiv(a, b), b); }
  static long long Min(std::initializer_list<long long> values) { return std::min(values); }
  static long long Max(std::initializer_list<long long> values) { return std::max(values); }

  // An argument of type int.
  int Int(long long value) {
    return static_cast<int>(value >= INT_MIN && value <= INT_MAX ? value : Fail("an argument that does not fit int"));
  }
  void Where(long long holds) {
    if (holds == 0) Fail("the condition of `where` does not hold");
  }
  // Whether the next step of the plan is to be looked at.
  bool Step() {
    if (++steps_ > kMostSteps) Fail("the plan has more than 65536 steps");
    return fault.empty();
  }

  // Takes note of a fault, and is 0.
  long long Fail(const std::string& what) {
    if (!fault.empty()) return 0;
    fault = (name_ != nullptr ? name_ : "line " + std::to_string(line_) + " of the kernel") + ": " + what;
    return 0;
  }

  // Bytes of dense memory.
  std::size_t Bytes(long long element, std::initializer_list<long long> extents) {
    long long bytes = element;
    for (const long long extent : extents) bytes = Mul(bytes, Positive(extent, "an extent that is not positive"));
    return fault.empty() ? static_cast<std::size_t>(bytes) : 0;
  }
  // Bytes from a tensor's first element to its last.
  std::size_t Bytes(long long element, std::initializer_list<long long> extents,
                    std::initializer_list<long long> strides) {
    long long span = 1;
    Axis axes[16] = {};
    Axis* end = axes;
    for (const long long extent : extents) (end++)->extent = Positive(extent, "an extent that is not positive");
    end = axes;
    for (const long long stride : strides) (end++)->stride = Positive(stride, "a stride that is not positive");
    std::sort(axes, end, [](const Axis& a, const Axis& b) { return a.stride < b.stride; });
    for (const Axis* axis = axes; axis < end; ++axis) {
      if (axis->extent == 1) continue;
      if (axis->stride < span) Fail("strides that let elements overlap");
      span = Add(span, Mul(axis->extent - 1, axis->stride));
    }
    return Bytes(element, {span});
  }
  // Where pieces of memory begin that follow one another at multiples of kAlign bytes, and the bytes of all.
  template <class Sizes>
  std::size_t Place(const Sizes& bytes, Sizes& places) {
    long long end = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      places[i] = static_cast<std::size_t>(end);
      end = Align(Add(end, static_cast<long long>(bytes[i])), kAlign);
    }
    return static_cast<std::size_t>(end);
  }
  static constexpr long long kAlign = 256;

 private:
  struct Axis {
    long long extent, stride;
  };
  static constexpr int kMostSteps = 65536;
  static constexpr const char* kOverflow = "a result that does not fit 64 bits";

  bool Divides(long long a, long long b) {
    if (b == 0) Fail("division by zero");
    if (a == LLONG_MIN && b == -1) Fail(kOverflow);
    return b != 0 && !(a == LLONG_MIN && b == -1);
  }
  long long Positive(long long value, const char* otherwise) { return value >= 1 ? value : Fail(otherwise); }

  int line_ = 0;
  const char* name_ = nullptr;
  int steps_ = 0;
};

// Memory that a caller hands in, or the workspace.
struct Place {
  const char* name;
  const void* data;
  std::size_t bytes, align;
  bool written;
};

// Why these places cannot be used together; empty if they can.
inline std::string FaultOf(const Place* begin, const Place* end) {
  const auto first = [](const Place& place) { return reinterpret_cast<std::uintptr_t>(place.data); };
  for (const Place* a = begin; a < end; ++a) {
    const std::string name = a->name;
    if (a->data == nullptr) return name + " is a null pointer";
    if (first(*a) % a->align != 0) return name + " is not at a multiple of " + std::to_string(a->align) + " bytes";
    if (a->bytes > UINTPTR_MAX - first(*a)) return name + " is larger than memory";
    for (const Place* b = begin; b < a; ++b) {
      const bool apart = first(*a) + a->bytes <= first(*b) || first(*b) + b->bytes <= first(*a);
      if (!apart && (a->written || b->written)) return name + " and " + b->name + " overlap";
    }
  }
  return "";
}

}  // namespace
