#!/bin/bash
# verify_gpu_test.sh KOPT SOURCE: what a verdict on a GPU owes to others: libraries as baselines, and the toolkit's
# checkers in a confirmation. Without a device it is skipped; without a library or the checkers that part is left out.
source "$2/tests/cli/export_lib.sh"

need_gpu
verify=("$kopt" verify --target cuda)

# against LIBRARY SPEC FILE: a right candidate, and a right library, measured against each other.
against() {
  local library=$1 got=0
  "${verify[@]}" "$2" "$3" --baseline "$library" >out 2>err </dev/null || got=$?
  if grep -qE "cannot be loaded|was built without" out err; then
    echo "left out: $library with $(basename "$2"): $(cat out err | grep -E "cannot be loaded|was built without" | head -1)"
  elif [ "$got" != 0 ] || ! grep -qF "($library)" out; then
    fail "$2 against $library: exit $got"
    cat out err
  else
    echo "$(basename "$2"): $(grep baseline out)"
  fi
}

# product NAME TYPE MULTIPLY SHAPE_A SHAPE_B A B: products of a batch; A and B are the factors in the reference, from
# which those in the candidate are made.
product() {
  local name=$1 type=$2 multiply=$3 shape_a=$4 shape_b=$5 a=$6 b=$7 sum=float
  [ "$type" != f64 ] || sum=double
  cat >"$name.spec" <<SPEC
kopt    = 1
name    = "$name"
summary = "Products of a batch of matrices."
dims    = ["B", "M", "N", "K"]
dynamic = ["B", "M", "N", "K"]

[[shape]]
target = "cuda"
B = 4
M = 1000
N = 768
K = 512

[[check]]
target = "cuda"
B = 3
M = 33
N = 17
K = 65

[[input]]
name  = "a"
dtype = "$type"
shape = ["B", $shape_a]
fill  = "normal(0, 1)"

[[input]]
name  = "b"
dtype = "$type"
shape = ["B", $shape_b]
fill  = "normal(0, 1)"

[[output]]
name  = "c"
dtype = "$type"
shape = ["B", "M", "N"]

[precision]
multiply   = "$multiply"
accumulate = "$([ "$type" = f64 ] && echo f64 || echo f32)"

[[reference]]
over = ["i:B", "m:M", "n:N"]
code = '''
real sum = 0;
for (long long k = 0; k < K; ++k) sum += a(i, $a) * b(i, $b);
c(i, m, n) = sum;
'''
SPEC
  local flat_a flat_b
  flat_a=$([ "$a" = "m, k" ] && echo "m * K + k" || echo "k * M + m")
  flat_b=$([ "$b" = "k, n" ] && echo "k * N + n" || echo "n * K + k")
  cat >"$name.cu" <<CODE
//@ launch product grid(ceil_div(N, 32), ceil_div(M, 8), B) block(32, 8) args(a, b, c, M, N, K)
extern "C" __global__ void product(const a_t* a, const b_t* b, c_t* c, int M, int N, int K) {
  const int n = blockIdx.x * 32 + threadIdx.x, m = blockIdx.y * 8 + threadIdx.y;
  if (m >= M || n >= N) return;
  a += (long long)blockIdx.z * M * K;
  b += (long long)blockIdx.z * N * K;
  $sum sum = 0;
  for (int k = 0; k < K; ++k) sum += ($sum)a[$flat_a] * ($sum)b[$flat_b];
  c[((long long)blockIdx.z * M + m) * N + n] = (c_t)sum;
}
CODE
  against cublaslt "$name.spec" "$name.cu"
}

against cublaslt "$examples/matmul_wgmma.spec" "$examples/matmul_wgmma.cu"
product both_transposed f32 f32 '"K", "M"' '"N", "K"' "k, m" "n, k"
product in_tf32 f32 tf32 '"M", "K"' '"N", "K"' "m, k" "n, k"
product in_bf16 bf16 bf16 '"M", "K"' '"K", "N"' "m, k" "k, n"
product in_f64 f64 f64 '"K", "M"' '"K", "N"' "k, m" "k, n"

# The example's kernel without the bias does what cuDNN does.
sed -e 's/, slope, S)/, S)/' -e 's/^ *float slope, int S)/int S)/' -e 's/-slope \* kLog2E/0/' \
  "$examples/attention_wgmma.cu" >attention.cu
against cudnn "$2/bench/gpu/attention_cudnn.spec" attention.cu
expect 2 "the task is none for cublaslt" "${verify[@]}" "$examples/vector_add.spec" "$examples/vector_add.cu" \
  --baseline cublaslt
echo '//@ library cublaslt' >library.cu
expect 1 "\`library\` is for baselines" "${verify[@]}" "$examples/matmul_wgmma.spec" library.cu

# A barrier is missing, and no answer is wrong for it: nothing but a checker can tell.
cat >racy.cu <<'CODE'
//@ launch vector_add grid(ceil_div(N, 256)) block(256) args(a, b, c, i64(N))
extern "C" __global__ void vector_add(const float* a, const float* b, float* c, long long n) {
  __shared__ float row[256];
  const long long i = blockIdx.x * 256LL + threadIdx.x;
  row[threadIdx.x] = i < n ? a[i] : 0;
  const float neighbour = row[threadIdx.x ^ 33];
  if (i < n) c[i] = a[i] + b[i] + (neighbour == 12345.678f ? 1e-30f : 0.f);
}
CODE
expect 0 "" "${verify[@]}" "$examples/vector_add.spec" racy.cu
if command -v compute-sanitizer >/dev/null || [ -x /usr/local/cuda/bin/compute-sanitizer ]; then
  expect 1 "racecheck" "${verify[@]}" "$examples/vector_add.spec" racy.cu --confirm
  for name in softmax scan matmul_wgmma; do
    expect 0 "" "${verify[@]}" "$examples/$name.spec" "$examples/$name.cu" --confirm --json
    for tool in memcheck racecheck synccheck initcheck; do
      grep -qF "\"$tool\": \"nothing found\"" out || fail "$name: $tool: $(grep -F "\"$tool\"" out)"
    done
  done
else
  echo "left out: compute-sanitizer is not there"
fi
exit $((failures > 0))
