// What the generated part of an oracle stands on: element types and accessors. This text is compiled into every oracle,
// by g++ and by NVRTC (without the includes), after verifier/oracle/real.h and the target's loops: kopt_f16 and
// kopt_spread are theirs. verifier/oracle/oracle_source.h describes the arguments.
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <utility>

struct kopt_control {  // OracleControl
  long long tuple_count, error_tensor, error_index, error_kind, rejected, first_rejected;
};
inline constexpr long long kopt_written_twice = 1, kopt_out_of_range = 2;

// In scope in every piece of the spec.
struct kopt_scope {
  static constexpr double inf = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr double pi = 3.141592653589793238;
};

// ---- the expressions of specs ----

inline long long kopt_min(long long a, long long b) { return b < a ? b : a; }
inline long long kopt_max(long long a, long long b) { return a < b ? b : a; }
inline long long kopt_ceil_div(long long a, long long b) { return a / b + (a % b != 0 && (a < 0) == (b < 0)); }
inline long long kopt_align(long long a, long long b) { return kopt_ceil_div(a, b) * b; }
inline long long kopt_pow(long long a, long long b) {
  long long product = 1;
  for (; b > 0; --b) product *= a;
  return product;
}

// ---- element types: kopt_load gives double or long long, kopt_store rounds ----

struct kopt_bf16 {
  uint16_t bits;
};
struct kopt_e4m3 {
  uint8_t bits;
};
struct kopt_e5m2 {
  uint8_t bits;
};
struct kopt_bool {
  uint8_t bits;
};

template <class T>
inline constexpr bool kopt_is_floating =
    std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, kopt_f16> ||
    std::is_same_v<T, kopt_bf16> || std::is_same_v<T, kopt_e4m3> || std::is_same_v<T, kopt_e5m2>;
template <class T>
using kopt_number = std::conditional_t<kopt_is_floating<T>, double, long long>;

// A float with `fraction` bits after the point and the given exponent bias, from its bits; e4m3 has no infinities.
inline constexpr double kopt_small_float(unsigned bits, int fraction, int bias, bool infinities) {
  const unsigned mantissa = bits & ((1u << fraction) - 1), exponent = (bits & 0x7f) >> fraction;
  const unsigned last = (0x7fu >> fraction);
  double v = mantissa + (exponent ? 1u << fraction : 0u);
  for (int e = (exponent ? int(exponent) : 1) - bias - fraction; e != 0; e += e < 0 ? 1 : -1) v *= e < 0 ? 0.5 : 2;
  if (infinities && exponent == last)
    v = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  if (!infinities && (bits & 0x7f) == 0x7f) v = std::numeric_limits<double>::quiet_NaN();
  return bits & 0x80 ? -v : v;
}
struct kopt_small_table {
  double v[256];
  constexpr kopt_small_table(int fraction, int bias, bool infinities) : v() {
    for (unsigned i = 0; i < 256; ++i) v[i] = kopt_small_float(i, fraction, bias, infinities);
  }
};
inline constexpr kopt_small_table kopt_e4m3_values(3, 7, false), kopt_e5m2_values(2, 15, true);

inline double kopt_load(double x) { return x; }
inline double kopt_load(float x) { return x; }
inline double kopt_load(kopt_f16 x) { return static_cast<double>(x); }
inline double kopt_load(kopt_bf16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }
inline double kopt_load(kopt_e4m3 x) { return kopt_e4m3_values.v[x.bits]; }
inline double kopt_load(kopt_e5m2 x) { return kopt_e5m2_values.v[x.bits]; }
inline long long kopt_load(kopt_bool x) { return x.bits; }
template <std::integral T>
inline long long kopt_load(T x) {
  return static_cast<long long>(x);
}

// |v| rounded to nearest even, with `fraction` bits after the point, as the count of the type's values below it.
inline unsigned kopt_count_below(double v, int fraction, int bias) {
  const int least = 1 - bias;
  const int own = v > 0 ? std::ilogb(v) : least, exponent = own > least ? own : least;
  const double units = std::nearbyint(std::scalbn(v, fraction - exponent));
  return (unsigned(exponent - least) << fraction) + unsigned(units);
}
// The bits without sign; `overflow` from the value `largest + 1` up; `nan` for NaN.
inline unsigned kopt_small_bits(double v, int fraction, int bias, unsigned largest, unsigned overflow, unsigned nan) {
  if (v != v) return nan;
  v = std::fabs(v);
  if (v > 1e300) return overflow;
  const unsigned bits = kopt_count_below(v, fraction, bias);
  return bits > largest ? overflow : bits;
}
inline void kopt_store(double& to, double v) { to = v; }
inline void kopt_store(float& to, double v) { to = static_cast<float>(v); }
inline void kopt_store(kopt_f16& to, double v) { to = static_cast<kopt_f16>(v); }
inline void kopt_store(kopt_bf16& to, double v) {
  to.bits = uint16_t(kopt_small_bits(v, 7, 127, 0x7f7f, 0x7f80, 0x7fc0) | (std::signbit(v) ? 0x8000u : 0));
}
inline void kopt_store(kopt_e4m3& to, double v) {
  to.bits = uint8_t(kopt_small_bits(v, 3, 7, 0x7e, 0x7f, 0x7f) | (std::signbit(v) ? 0x80u : 0));
}
inline void kopt_store(kopt_e5m2& to, double v) {
  to.bits = uint8_t(kopt_small_bits(v, 2, 15, 0x7b, 0x7c, 0x7e) | (std::signbit(v) ? 0x80u : 0));
}
inline void kopt_store(kopt_bool& to, long long v) { to.bits = v != 0; }
template <std::integral T>
inline void kopt_store(T& to, long long v) {
  to = static_cast<T>(v);
}

// ---- arguments ----

struct kopt_arguments {
  void* const* args;
  kopt_control* own = nullptr;  // takes the errors, if given

  long long dim(int i) const { return static_cast<const long long*>(args[0])[i]; }
  template <class T>
  std::conditional_t<kopt_is_floating<T>, real, long long> scalar(int i) const {
    T x;
    std::memcpy(&x, static_cast<const uint64_t*>(args[1]) + i, sizeof x);
    return kopt_load(x);
  }
  kopt_control* control() const { return own != nullptr ? own : static_cast<kopt_control*>(args[2]); }
  template <class T>
  T* data(int tensor) const {
    return static_cast<T*>(args[3 + 5 * tensor]);
  }
  template <class T>
  T* value(int tensor) const {
    return static_cast<T*>(args[3 + 5 * tensor + 1]);
  }
  double* variance(int tensor) const { return static_cast<double*>(args[3 + 5 * tensor + 2]); }
  uint32_t* owner(int tensor) const { return static_cast<uint32_t*>(args[3 + 5 * tensor + 3]); }
  template <class T>
  const T* got(int tensor) const {
    return static_cast<const T*>(args[3 + 5 * tensor + 4]);
  }
  const long long* tuples(int tensors) const { return static_cast<const long long*>(args[3 + 5 * tensors]); }
};

// Keeps the first error only.
[[gnu::noinline, gnu::cold]] inline void kopt_fail(kopt_control* control, long long kind, long long tensor,
                                                   long long index) {
  long long none = 0;
  if (!std::atomic_ref(control->error_kind).compare_exchange_strong(none, kind)) return;
  control->error_tensor = tensor;
  control->error_index = index;
}

// ---- where an element lies ----

template <class I>
concept kopt_index = std::convertible_to<I, long long> && !std::is_floating_point_v<I>;

// Extents and, unless dense, strides of a tensor. An index out of range is reported, and element 0 taken instead.
template <int rank, bool dense>
struct kopt_layout {
  static constexpr int size = rank ? rank : 1;
  kopt_control* control;
  long long tensor;
  long long extent[size];
  long long stride[dense ? 1 : size];

  long long elements() const {
    long long n = 1;
    for (int d = 0; d < rank; ++d) n *= extent[d];
    return n;
  }
  template <class... I>
  [[gnu::always_inline]] long long logical(I... i) const {
    return checked(std::make_index_sequence<rank>(), static_cast<long long>(i)...);
  }
  template <class... I>
  [[gnu::always_inline]] long long storage(I... i) const {
    if constexpr (dense) return logical(i...);
    return strided(std::make_index_sequence<rank>(), static_cast<long long>(i)...);
  }
  // Of a logical index that is in range.
  long long storage_of(long long index) const {
    if constexpr (dense) return index;
    long long offset = 0;
    for (int d = rank - 1; d >= 0; --d) {
      offset += index % extent[d] * stride[d];
      index /= extent[d];
    }
    return offset;
  }

 private:
  template <size_t... d, class... I>
  [[gnu::always_inline]] bool outside(std::index_sequence<d...>, I... i) const {
    return (false | ... | (static_cast<unsigned long long>(i) >= static_cast<unsigned long long>(extent[d])));
  }
  template <size_t... d, class... I>
  [[gnu::always_inline]] long long row_major(std::index_sequence<d...>, I... i) const {
    unsigned long long offset = 0;
    ((offset = offset * static_cast<unsigned long long>(extent[d]) + static_cast<unsigned long long>(i)), ...);
    return static_cast<long long>(offset);
  }
  template <size_t... d, class... I>
  [[gnu::always_inline]] long long checked(std::index_sequence<d...> s, I... i) const {
    const long long offset = row_major(s, i...);
    if (!outside(s, i...)) [[likely]]
      return offset;
    kopt_fail(control, kopt_out_of_range, tensor, offset);
    return 0;
  }
  template <size_t... d, class... I>
  [[gnu::always_inline]] long long strided(std::index_sequence<d...> s, I... i) const {
    if (!outside(s, i...)) [[likely]]
      return (0 + ... + (i * stride[d]));
    kopt_fail(control, kopt_out_of_range, tensor, row_major(s, i...));
    return 0;
  }
};

// ---- accessors ----

template <class T, int rank, bool dense>
struct kopt_input {
  kopt_layout<rank, dense> layout;
  const T* data;

  template <kopt_index... I>
    requires(sizeof...(I) == rank)
  [[gnu::always_inline]] std::conditional_t<kopt_is_floating<T>, real, long long> operator()(I... i) const {
    return kopt_load(data[layout.storage(i...)]);
  }
};

// An input while its own code fills it, in its storage and dtype.
template <class T>
struct kopt_stored_element {
  T* at;

  operator std::conditional_t<kopt_is_floating<T>, real, long long>() const { return kopt_load(*at); }
  const kopt_stored_element& operator=(const kopt_stored_element& other) const {
    *at = *other.at;
    return *this;
  }
  const kopt_stored_element& operator=(real x) const
    requires kopt_is_floating<T>
  {
    kopt_store(*at, x.v);
    return *this;
  }
  template <std::integral V>
  const kopt_stored_element& operator=(V x) const
    requires(!kopt_is_floating<T>)
  {
    kopt_store(*at, static_cast<long long>(x));
    return *this;
  }
  template <class V>
  const kopt_stored_element& operator+=(V x) const {
    return *this = kopt_load(*at) + x;
  }
  template <class V>
  const kopt_stored_element& operator-=(V x) const {
    return *this = kopt_load(*at) - x;
  }
};

template <class T, int rank, bool dense>
struct kopt_writer {
  kopt_layout<rank, dense> layout;
  T* data;

  template <kopt_index... I>
    requires(sizeof...(I) == rank)
  [[gnu::always_inline]] kopt_stored_element<T> operator()(I... i) const {
    return {data + layout.storage(i...)};
  }
};

// Who wrote an element: 0 nobody, 1 + tuple number the `=` of that tuple, or one of these two.
inline constexpr uint32_t kopt_added = 0xffffffff, kopt_earlier = 0xfffffffe;

struct kopt_place {
  kopt_control* control;
  long long tensor, index;
  uint32_t* owner;
  uint32_t mine;

  // For `=`: nobody else may have written the element in this reference.
  [[gnu::always_inline]] void own() const {
    std::atomic_ref now(*owner);
    const uint32_t before = now.load(std::memory_order_relaxed);
    if (before == mine) return;
    const uint32_t last = now.exchange(mine, std::memory_order_relaxed);
    if (last != 0 && last != kopt_earlier && last != mine) kopt_fail(control, kopt_written_twice, tensor, index);
  }
  // For `+=`: everybody may add, but not to what another tuple assigns in this reference.
  [[gnu::always_inline]] void share() const {
    std::atomic_ref now(*owner);
    uint32_t before = now.load(std::memory_order_relaxed);
    while (before == 0 || before == kopt_earlier)
      if (now.compare_exchange_weak(before, kopt_added, std::memory_order_relaxed)) return;
    if (before != kopt_added && before != mine) kopt_fail(control, kopt_written_twice, tensor, index);
  }
};

// An element of a floating output, an inout or a temp.
struct kopt_element {
  kopt_place place;
  double *value, *variance;

  [[gnu::always_inline]] operator real() const { return real(*value, *variance > 0 ? *variance : 0); }
  [[gnu::always_inline]] const kopt_element& operator=(real x) const {
    place.own();
    *value = x.v;
    *variance = kopt_settled(x);
    return *this;
  }
  const kopt_element& operator=(const kopt_element& other) const { return *this = real(other); }
  const kopt_element& operator+=(real x) const {
    place.share();
    const double sum = std::atomic_ref(*value).fetch_add(x.v) + x.v;
    const double more = kopt_settled(kopt_sum(sum, x.s));
    std::atomic_ref s(*variance);
    double before = s.load();
    while (!s.compare_exchange_weak(before, (before > 0 ? before : 0) + more)) {
    }
    return *this;
  }
  const kopt_element& operator-=(real x) const { return *this += -x; }
};

// An element of an integer output: exact.
struct kopt_integer_element {
  kopt_place place;
  long long* value;

  [[gnu::always_inline]] operator long long() const { return *value; }
  template <std::integral V>
  [[gnu::always_inline]] const kopt_integer_element& operator=(V x) const {
    place.own();
    *value = static_cast<long long>(x);
    return *this;
  }
  const kopt_integer_element& operator=(const kopt_integer_element& other) const { return *this = *other.value; }
  template <std::integral V>
  const kopt_integer_element& operator+=(V x) const {
    place.share();
    std::atomic_ref(*value).fetch_add(static_cast<long long>(x));
    return *this;
  }
  template <std::integral V>
  const kopt_integer_element& operator-=(V x) const {
    return *this += -static_cast<long long>(x);
  }
  template <std::integral V>
  const kopt_integer_element& operator|=(V x) const {
    place.share();
    std::atomic_ref(*value).fetch_or(static_cast<long long>(x));
    return *this;
  }
  template <std::integral V>
  const kopt_integer_element& operator&=(V x) const {
    place.share();
    std::atomic_ref(*value).fetch_and(static_cast<long long>(x));
    return *this;
  }
  template <std::integral V>
  const kopt_integer_element& operator^=(V x) const {
    place.share();
    std::atomic_ref(*value).fetch_xor(static_cast<long long>(x));
    return *this;
  }
};

// Outputs, inouts and temps (T = double). Elements are logical and dense.
template <class T, int rank>
struct kopt_output {
  static constexpr bool floating = kopt_is_floating<T>;
  using number = kopt_number<T>;
  kopt_layout<rank, true> layout;
  number* value;
  double* variance;
  uint32_t* owner;
  uint32_t mine = 1;

  template <kopt_index... I>
    requires(sizeof...(I) == rank)
  [[gnu::always_inline]] std::conditional_t<floating, kopt_element, kopt_integer_element> operator()(I... i) const {
    const long long at = layout.logical(i...);
    const kopt_place place{layout.control, layout.tensor, at, owner + at, mine};
    if constexpr (floating)
      return {place, value + at, variance + at};
    else
      return {place, value + at};
  }
  void clear() const {
    kopt_spread(layout.elements(), [this](long long i) {
      value[i] = 0;
      if constexpr (floating) variance[i] = -1;
      owner[i] = 0;
    });
  }
  // An inout begins as its input. In a sampled run an element counts only once a tuple has written it.
  template <bool dense>
  void copy(const kopt_input<T, rank, dense>& input, bool sampled) const {
    kopt_spread(layout.elements(), [=, this](long long i) {
      value[i] = kopt_load(input.data[input.layout.storage_of(i)]);
      if constexpr (floating) variance[i] = sampled ? -1 : 0;
      owner[i] = sampled ? 0 : kopt_earlier;
    });
  }
  // Before a further reference: what stands was written by an earlier one.
  void begin_reference() const {
    kopt_spread(layout.elements(), [this](long long i) {
      if (owner[i] != 0) owner[i] = kopt_earlier;
    });
  }
};

// truth_NAME(...) and got_NAME(...) of accept.
template <class T, class Stored, int rank, bool dense>
struct kopt_plain {
  kopt_layout<rank, dense> layout;
  const Stored* data;

  template <kopt_index... I>
    requires(sizeof...(I) == rank)
  [[gnu::always_inline]] kopt_number<T> operator()(I... i) const {
    return kopt_load(data[layout.storage(i...)]);
  }
};

// 1 + tuple number, within the numbers that are left for it.
inline uint32_t kopt_owner_of(long long tuple) {
  return 1 + static_cast<uint32_t>(static_cast<unsigned long long>(tuple) % (kopt_earlier - 1));
}
