// What a call needs beside the kernel: integers that cannot overflow, sizes and places of tensors, memory, threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace {

// Integers of 64 bits as the plan in kernel.inl has them: division truncates, a comparison is 1 or 0. Where there is no
// result (an overflow, a division by zero) it is 0 and `fault` says so; the first fault is kept.
class Checked {
 public:
  std::string fault;

  // What is computed now, for the text of a fault: a line of kernel.inl, or a tensor.
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

 private:
  struct Axis {
    long long extent, stride;
  };
  static constexpr int kMostSteps = 65536;
  static constexpr const char* kOverflow = "a result that does not fit 64 bits";

  long long Fail(const char* what) {
    if (!fault.empty()) return 0;
    fault = name_ != nullptr ? name_ : "line " + std::to_string(line_) + " of kernel.inl";
    fault += ": ";
    fault += what;
    return 0;
  }
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

// The caller's workspace, or memory of the call's own.
class Workspace {
 public:
  static constexpr std::size_t kAlign = 256;

  Workspace(void* given, std::size_t bytes) : given_(given), own_(nullptr) {
    if (given == nullptr && bytes > 0) own_ = std::aligned_alloc(kAlign, bytes);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { std::free(own_); }
  unsigned char* data() const { return static_cast<unsigned char*>(own_ != nullptr ? own_ : given_); }

 private:
  void* given_;
  void* own_;
};

// OpenMP's number of threads in the calling thread, as long as this lives.
class Team {
 public:
  explicit Team(int threads) : threads_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    omp_set_num_threads(threads_);
    omp_set_dynamic(dynamic_);
  }
  // Whether OpenMP would give that many here: not inside of a parallel region, unless nested ones are on.
  static bool CanHave(int threads) {
    return threads == 1 || (omp_get_active_level() < omp_get_max_active_levels() && threads <= omp_get_thread_limit());
  }

 private:
  int threads_, dynamic_;
};

}  // namespace
