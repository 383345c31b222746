// Loops of an oracle on a GPU: one thread per index tuple, neighbouring threads on neighbouring tuples, again from the
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

// The same for the numbers of a matrix, so many columns wide: 32 threads take a tile of it. Where elements depend on a
// row of one tensor and on a row of another, as those of a product do, they read 12 rows instead of 33.
template <class Each>
inline void kopt_spread_tiles(long long n, long long columns, const Each& each) {
  constexpr long long tile_rows = 4, tile_columns = 8;
  const long long rows = columns > 0 ? n / columns : 0;
  if (rows < tile_rows || columns < tile_columns) return kopt_spread(n, each);
  const long long across = (columns + tile_columns - 1) / tile_columns, down = (rows + tile_rows - 1) / tile_rows;
  kopt_spread(across * down * tile_rows * tile_columns, [&](long long i) {
    const long long tile = i / (tile_rows * tile_columns), place = i % (tile_rows * tile_columns);
    const long long row = tile / across * tile_rows + place / tile_columns;
    const long long column = tile % across * tile_columns + place % tile_columns;
    if (row < rows && column < columns) each(row * columns + column);
  });
}

// Calls body(tuple number) for every tuple, or for those listed; each thread works on a copy of `body`.
template <class Body, class Control>
inline void kopt_for_each(const Body& body, const Control* control, const long long* tuples) {
  const bool sampled = control->tuple_count > 0 && tuples != nullptr;
  Body mine = body;
  if (sampled)
    kopt_spread(control->tuple_count, [&](long long n) { mine(tuples[n]); });
  else
    kopt_spread_tiles(body.kopt_count(), body.kopt_columns(), [&](long long n) { mine(n); });
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
