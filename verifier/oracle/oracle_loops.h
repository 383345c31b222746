// Loops of an oracle on the cpu, by OpenMP. This text is compiled into every oracle of that target, before
// verifier/oracle/real.h; verifier/cuda/oracle_loops.cuh stands in its place on the other.
#include <limits>

#ifdef _OPENMP
#include <omp.h>
#else
inline int omp_get_max_threads() { return 1; }
#endif

using kopt_f16 = _Float16;

// Calls each(i) for every i below n.
template <class Each>
inline void kopt_spread(long long n, const Each& each) {
#pragma omp parallel for schedule(static)
  for (long long i = 0; i < n; ++i) each(i);
}

inline long long kopt_chunk(long long count) {
  const long long chunk = count / (16LL * omp_get_max_threads());
  return chunk < 1 ? 1 : chunk > 1024 ? 1024 : chunk;
}

// Calls body(tuple number) for every tuple, or for those listed; each thread works on a copy of `body`.
template <class Body, class Control>
inline void kopt_for_each(const Body& body, const Control* control, const long long* tuples) {
  const bool sampled = control->tuple_count > 0 && tuples != nullptr;
  const long long count = sampled ? control->tuple_count : body.kopt_count();
  const long long chunk = kopt_chunk(count);
#pragma omp parallel if (count > 1)
  {
    Body mine = body;
#pragma omp for schedule(dynamic, chunk)
    for (long long n = 0; n < count; ++n) mine(sampled ? tuples[n] : n);
  }
}

// Counts the tuples that a body answers with false. An index out of range answers false as well: it may come from the
// candidate's output. make(own) gives a body whose accessors report to `own`: each thread has one.
template <class Make, class Control>
inline void kopt_accept(const Make& make, Control* control, const long long* tuples) {
  const long long given = control->tuple_count;
  long long rejected = 0, first = std::numeric_limits<long long>::max();
#pragma omp parallel
  {
    Control own{};
    const auto body = make(&own);
    const bool sampled = given > 0 && tuples != nullptr;
    const long long count = sampled ? given : body.kopt_count();
    const long long chunk = kopt_chunk(count);
#pragma omp for schedule(dynamic, chunk) reduction(+ : rejected) reduction(min : first)
    for (long long n = 0; n < count; ++n) {
      const long long tuple = sampled ? tuples[n] : n;
      const bool good = body(tuple);
      if (good && own.error_kind == 0) continue;
      own.error_kind = 0;
      ++rejected;
      first = tuple < first ? tuple : first;
    }
  }
  control->rejected = rejected;
  control->first_rejected = rejected > 0 ? first : -1;
}
