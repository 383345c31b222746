// Loops of an oracle on a GPU: one thread per index tuple, consecutive threads on consecutive tuples, again from the
// start of the grid while tuples are left. This text is compiled by NVRTC into every oracle of that target, after
// verifier/cuda/device_std.cuh and before verifier/oracle/real.h.

namespace kopt_space {

inline constexpr int kopt_block = 256;  // kOracleBlock: the most threads of a block

// Calls each(i) for every i below n.
template <class Each>
inline void kopt_spread(long long n, const Each& each) {
  const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
  for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += threads) each(i);
}

// Calls body(tuple number) for every tuple, or for those listed; each thread works on a copy of `body`.
template <class Body, class Control>
inline void kopt_for_each(const Body& body, const Control* control, const long long* tuples) {
  const bool sampled = control->tuple_count > 0 && tuples != nullptr;
  Body mine = body;
  kopt_spread(sampled ? control->tuple_count : body.kopt_count(), [&](long long n) { mine(sampled ? tuples[n] : n); });
}

// Counts the tuples that a body answers with false. An index out of range answers false as well: it may come from the
// candidate's output. make(own) gives a body whose accessors report to `own`: each thread has one, in shared memory,
// where atomics work. The control begins with rejected = 0, first_rejected = -1, which as unsigned is the largest.
template <class Make, class Control>
inline void kopt_accept(const Make& make, Control* control, const long long* tuples) {
  __shared__ long long words[kopt_block][sizeof(Control) / sizeof(long long)];
  Control& own = *reinterpret_cast<Control*>(words[threadIdx.x]);
  own = Control{};
  const auto body = make(&own);
  const bool sampled = control->tuple_count > 0 && tuples != nullptr;
  unsigned long long rejected = 0, first = ~0ULL;
  kopt_spread(sampled ? control->tuple_count : body.kopt_count(), [&](long long n) {
    const unsigned long long tuple = static_cast<unsigned long long>(sampled ? tuples[n] : n);
    const bool good = body(static_cast<long long>(tuple));
    if (good && own.error_kind == 0) return;
    own.error_kind = 0;
    ++rejected;
    first = tuple < first ? tuple : first;
  });
  if (rejected == 0) return;
  atomicAdd(reinterpret_cast<unsigned long long*>(&control->rejected), rejected);
  atomicMin(reinterpret_cast<unsigned long long*>(&control->first_rejected), first);
}

}  // namespace kopt_space
