//@ tune ROWS = 8 | 16      # of a tile
//@ tune LANES = 128 | 256  # threads of a block
//@ where ROWS * C * 2 + 144 <= SMEM_BLOCK && R < 1000000
//@ scratch halves f32 [2, R]
//@ scratch counters i32 [2]
//@ tensormap tile = x dims [R, C] box [ROWS, C] l2 128
//@ zero counters
//@ zero total
//@ launch sum_half for p in 0..2 grid(ceil_div(R, 8)) block(32, 8) args(x, halves, i64(R), p)
//@ launch add_halves when(R > 1) pdl grid(ceil_div(R, LANES)) block(LANES) args(halves, total, seen, R)
//@ launch add_halves when(R == 1) grid(1) block(1) args(halves, total, seen, R)
//@ launch scale_rows grid(align(ceil_div(R, ROWS), 2)) block(LANES) cluster(2) smem(ROWS * C * 2 + 144) args(tile, bias, y, scale, shift, R)
//@ launch count grid(min(SMS * occupancy(count), ceil_div(R, 4))) block(LANES) cooperative args(x, counters, positive, R)

static_assert(SMS > 0 && SMEM_BLOCK > 0);

// The sums of one half of the columns, a warp for each row.
extern "C" __global__ void sum_half(const x_t* x, halves_t* halves, long long rows, int half) {
  const long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  float sum = 0;
  for (int c = half * (C / 2) + threadIdx.x; c < (half + 1) * (C / 2); c += 32) sum += __half2float(x[row * C + c]);
  for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffff, sum, by);
  if (threadIdx.x == 0) halves[half * rows + row] = sum;
}

// May have begun before the sums were there.
extern "C" __global__ void add_halves(halves_t* halves, total_t* total, seen_t* seen, int rows) {
  asm volatile("griddepcontrol.wait;" ::: "memory");
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  total[row] += halves[row] + halves[rows + row];
  seen[row] += C;
}

// A tile for each block, fetched by the copy engine; rows beyond the last come as zeros.
extern "C" __global__ void scale_rows(const __grid_constant__ CUtensorMap tile, const bias_t* bias, y_t* y,
                                      __nv_bfloat16 scale, __half shift, int rows) {
  extern __shared__ unsigned char memory[];
  const unsigned base = ((unsigned)__cvta_generic_to_shared(memory) + 127) / 128 * 128;
  const x_t* rows_here = (const x_t*)(memory + (base - (unsigned)__cvta_generic_to_shared(memory)));
  const unsigned barrier = base + ROWS * C * 2;
  const int first = blockIdx.x * ROWS;
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(ROWS * C * 2) : "memory");
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(
            base),
        "l"(&tile), "r"(0), "r"(first), "r"(barrier)
        : "memory");
  }
  __syncthreads();
  int over = 0;
  while (over == 0) {
    asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0;\nselp.b32 %0, 1, 0, p;\n}"
                 : "=r"(over)
                 : "r"(barrier)
                 : "memory");
  }
  for (int i = threadIdx.x; i < ROWS * C; i += blockDim.x) {
    const int row = first + i / C;
    if (row >= rows) break;
    const float value = __bfloat162float(scale) * __half2float(rows_here[i]) + __bfloat162float(bias[i % C]);
    y[(long long)row * C + i % C] = __float2half_rn(value + __half2float(shift));
  }
}

// All blocks count, wait for one another, and write what came out.
extern "C" __global__ void __launch_bounds__(LANES) count(const x_t* x, counters_t* counters, positive_t* positive,
                                                         int rows) {
  const long long step = (long long)gridDim.x * blockDim.x, first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  int own = 0;
  for (long long i = first; i < (long long)rows * C; i += step) own += __half2float(x[i]) > 0 ? 1 : 0;
  atomicAdd(&counters[0], own);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    atomicAdd(&counters[1], 1);
    while (atomicAdd(&counters[1], 0) < (int)gridDim.x) {
    }
    __threadfence();
  }
  __syncthreads();
  const int sum = atomicAdd(&counters[0], 0);
  for (long long row = first; row < rows; row += step) positive[row] = sum + (int)row;
}
