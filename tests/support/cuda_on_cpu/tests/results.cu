// SPDX-License-Identifier: MIT
// Compares what kernels compute on cuda_on_cpu with what the host computes, and what the runtime's functions answer with what CUDA says.
#include <doctest/doctest.h>

#include <cooperative_groups.h>
#include <cuda_runtime.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace {

void check(cudaError_t answer) { REQUIRE_MESSAGE(answer == cudaSuccess, cudaGetErrorName(answer)); }

/// Device memory of n values.
template <class T>
struct array {
  T* data = nullptr;
  std::size_t size;

  explicit array(std::size_t n) : size{n} { check(cudaMalloc(&data, n * sizeof(T))); }
  explicit array(const std::vector<T>& values) : array{values.size()} {
    check(cudaMemcpy(data, values.data(), size * sizeof(T), cudaMemcpyHostToDevice));
    // The copy may be under way when the call returns, and a stream of its own does not wait for it.
    check(cudaDeviceSynchronize());
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() { cudaFree(data); }
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> copy(size);
    check(cudaMemcpy(copy.data(), data, size * sizeof(T), cudaMemcpyDeviceToHost));
    return copy;
  }
};

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

// ---- Arithmetic: one function for host and device

struct integers {
  using value = std::int64_t;
  static constexpr int results = 22;
  __host__ __device__ static void compute(std::int64_t a, std::int64_t b, std::int64_t* r) {
    const auto i = static_cast<std::int32_t>(a), j = static_cast<std::int32_t>(b);
    const auto u = static_cast<std::uint32_t>(a), v = static_cast<std::uint32_t>(b);
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    const auto h = static_cast<std::int16_t>(a);
    const auto c = static_cast<std::int8_t>(b);
    r[0] = static_cast<std::int64_t>(u + v);
    r[1] = static_cast<std::int64_t>(u - v);
    r[2] = static_cast<std::int64_t>(u * v);
    r[3] = static_cast<std::int64_t>(std::uint64_t{u} * v);
    r[4] = std::int64_t{i} * j;
    r[5] = v == 0 ? 0 : u / v;
    r[6] = j == 0 || j == -1 ? 0 : i / j;
    r[7] = j == 0 || j == -1 ? 0 : i % j;
    r[8] = static_cast<std::int64_t>(y == 0 ? 0 : x / y);
    r[9] = b == 0 || b == -1 ? 0 : a % b;
    r[10] = static_cast<std::int64_t>(x * y);
    r[11] = a >> (b & 63);
    r[12] = static_cast<std::int64_t>(x >> (y & 63));
    r[13] = static_cast<std::int64_t>(x << (y & 63));
    r[14] = i < j ? i : j;
    r[15] = u < v ? v : u;
    r[16] = (a & b) ^ (a | ~b);
    r[17] = h * c;
    r[18] = h / (c == 0 ? 1 : c);
    r[19] = static_cast<std::int64_t>((u << 13) | (u >> 19));
    r[20] = a == b ? 1 : a < b ? 2 : x < y ? 3 : 4;
    r[21] = static_cast<std::uint8_t>(h) + static_cast<std::uint16_t>(c);
  }
};

struct singles {
  using value = float;
  static constexpr int results = 15;
  __host__ __device__ static void compute(float a, float b, float* r) {
    r[0] = a + b;
    r[1] = a - b;
    r[2] = a * b;
    r[3] = a / b;
    r[4] = ::fmaf(a, b, a);
    r[5] = ::sqrtf(a);
    r[6] = ::fminf(a, b);
    r[7] = ::fmaxf(a, b);
    r[8] = ::truncf(a);
    r[9] = ::floorf(a);
    r[10] = ::ceilf(b);
    r[11] = ::copysignf(a, b);
    r[12] = a < b ? 1.0f : !(a >= b) ? 2.0f : 3.0f;
    r[13] = static_cast<float>(static_cast<double>(a) / 3);
    r[14] = ::fabsf(a) < 1e9f ? static_cast<float>(static_cast<int>(a)) : 0.0f;
  }
};

struct doubles {
  using value = double;
  static constexpr int results = 8;
  __host__ __device__ static void compute(double a, double b, double* r) {
    r[0] = a + b;
    r[1] = a * b;
    r[2] = a / b;
    r[3] = ::fma(a, b, a);
    r[4] = ::sqrt(a);
    r[5] = ::fmin(a, b);
    r[6] = ::floor(a);
    r[7] = ::fabs(a) < 1e9 ? static_cast<double>(static_cast<long long>(a)) : 0.0;
  }
};

template <class F>
__global__ void compute(const typename F::value* a, const typename F::value* b, typename F::value* results, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) F::compute(a[i], b[i], results + i * F::results);
}

template <class F>
void compare_with_host(const std::vector<typename F::value>& numbers) {
  using value = typename F::value;
  std::vector<value> a, b;
  for (const value x : numbers)
    for (const value y : numbers) a.push_back(x), b.push_back(y);
  const int n = static_cast<int>(a.size());
  const array<value> left{a}, right{b}, results{a.size() * F::results};
  compute<F><<<(n + 63) / 64, 64>>>(left.data, right.data, results.data, n);
  check(cudaGetLastError());
  const auto found = results.values();
  for (int i = 0; i < n; ++i) {
    std::array<value, F::results> expected{};
    F::compute(a[static_cast<std::size_t>(i)], b[static_cast<std::size_t>(i)], expected.data());
    for (int k = 0; k < F::results; ++k) {
      const value device = found[static_cast<std::size_t>(i * F::results + k)], host = expected[static_cast<std::size_t>(k)];
      if (same_bits(device, host)) continue;
      CAPTURE(k);
      CAPTURE(a[static_cast<std::size_t>(i)]);
      CAPTURE(b[static_cast<std::size_t>(i)]);
      CHECK(device == host);
    }
  }
}

__global__ void bit_operations(const std::uint32_t* x, std::uint32_t* r, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= n) return;
  r[6 * i + 0] = static_cast<std::uint32_t>(__popc(x[i]));
  r[6 * i + 1] = static_cast<std::uint32_t>(__clz(static_cast<int>(x[i])));
  r[6 * i + 2] = __brev(x[i]);
  r[6 * i + 3] = __byte_perm(x[i], ~x[i], 0x7210);
  r[6 * i + 4] = __funnelshift_l(x[i], ~x[i], x[i] & 31);
  r[6 * i + 5] = __umulhi(x[i], 0x9E3779B9u);
}

__global__ void functions(const float* x, float* r, int n) {
  const int i = static_cast<int>(threadIdx.x);
  if (i >= n) return;
  r[8 * i + 0] = expf(x[i]);
  r[8 * i + 1] = logf(fabsf(x[i]) + 0.1f);
  r[8 * i + 2] = tanhf(x[i]);
  r[8 * i + 3] = sinf(x[i]);
  r[8 * i + 4] = cosf(x[i]);
  r[8 * i + 5] = powf(fabsf(x[i]) + 0.1f, 1.5f);
  r[8 * i + 6] = rsqrtf(fabsf(x[i]) + 0.1f);
  r[8 * i + 7] = __expf(x[i]);
}

/// A function that is called, and a table of jumps.
__device__ __noinline__ int choose(int which, int x) {
  switch (which) {
    case 0: return x + 10;
    case 1: return x * 3;
    case 2: return x - 7;
    case 3: return x ^ 5;
    case 4: return x << 2;
    case 5: return -x;
    default: return 0;
  }
}
__global__ void choices(int* r) { r[threadIdx.x] = choose(static_cast<int>(threadIdx.x % 7), static_cast<int>(threadIdx.x)); }

// ---- Warps and blocks

__global__ void exchange(int* r) {
  const int lane = static_cast<int>(threadIdx.x);
  r[lane * 8 + 0] = __shfl_xor_sync(0xFFFFFFFFu, lane, 5);
  r[lane * 8 + 1] = __shfl_up_sync(0xFFFFFFFFu, lane, 3);
  r[lane * 8 + 2] = __shfl_down_sync(0xFFFFFFFFu, lane, 3, 8);
  r[lane * 8 + 3] = __shfl_sync(0xFFFFFFFFu, lane, 2, 16);
  r[lane * 8 + 4] = static_cast<int>(__ballot_sync(0xFFFFFFFFu, lane % 3 == 0));
  r[lane * 8 + 5] = __any_sync(0xFFFFFFFFu, lane == 7) + 2 * __all_sync(0xFFFFFFFFu, lane < 31);
  r[lane * 8 + 6] = static_cast<int>(__match_any_sync(0xFFFFFFFFu, lane / 8));
  // Part of a warp, in its own name.
  r[lane * 8 + 7] = 0;
  if (lane < 12) r[lane * 8 + 7] = __shfl_xor_sync(0x00000FFFu, lane, 1);
}

__global__ void loop_by_lane(int* r) {
  int steps = 0;
  for (int k = static_cast<int>(threadIdx.x); k > 0; k /= 2) ++steps;
  // The lanes meet again.
  r[threadIdx.x] = steps * 100 + __shfl_sync(0xFFFFFFFFu, steps, 31);
}

__global__ void block_sum(const int* x, int* sum, int* count) {
  extern __shared__ int part[];
  part[threadIdx.x] = x[threadIdx.x];
  const int odd = __syncthreads_count(x[threadIdx.x] % 2);
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) *sum = part[0], *count = odd;
}

__global__ void atomics(int* r, float* f) {
  atomicAdd(r, 1);
  atomicMax(r + 1, static_cast<int>(threadIdx.x));
  atomicMin(r + 2, -static_cast<int>(threadIdx.x));
  atomicOr(r + 3, 1 << threadIdx.x % 8);
  atomicCAS(r + 4, static_cast<int>(threadIdx.x), static_cast<int>(threadIdx.x) + 1);
  atomicAdd(f, 0.5f);
}

__global__ void rotate(int* x, int rounds) {
  const auto all = cooperative_groups::this_grid();
  for (int r = 0; r < rounds; ++r) {
    const int next = x[(all.thread_rank() + 1) % all.size()];
    all.sync();
    x[all.thread_rank()] = next;
    all.sync();
  }
}

__global__ void uninitialized(float* r, const float* x) {
  __shared__ float part[4];
  r[0] = part[threadIdx.x];
  r[1] = x[0];
}

__global__ void order(int* counter, int* r) {
  if (threadIdx.x % 32 == 0) r[blockIdx.x * 2 + threadIdx.x / 32] = atomicAdd(counter, 1);
}

__device__ int a_variable = 5;
__constant__ float a_table[3] = {1.5f, -2.0f, 4.0f};
__global__ void read_variables(float* r) { r[threadIdx.x] = a_table[threadIdx.x] * static_cast<float>(a_variable); }

__global__ void add(int* x, int by) { *x += by; }
__global__ void multiply(int* x, int by) { *x *= by; }

struct stream {
  cudaStream_t handle = nullptr;
  explicit stream(unsigned flags = cudaStreamNonBlocking) { check(cudaStreamCreateWithFlags(&handle, flags)); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { cudaStreamDestroy(handle); }
};

/// Memory of the host that copies reach late.
struct pinned {
  int* data = nullptr;
  explicit pinned(int value) {
    check(cudaMallocHost(&data, sizeof(int)));
    *data = value;
  }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;
  ~pinned() { cudaFreeHost(data); }
};

bool is_reversed() { return std::getenv("TYPENET_CUDA_ON_CPU_REVERSED") != nullptr; }

}  // namespace

TEST_CASE("integers are the host's") {
  compare_with_host<integers>({0, 1, -1, 2, 7, -7, 31, 255, -128, 32767, 65535, 2147483647, -2147483647 - 1, 4294967295, 1234567890123,
                               std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()});
}

TEST_CASE("floating-point numbers are the host's") {
  const float inf = std::numeric_limits<float>::infinity();
  compare_with_host<singles>({0.0f, -0.0f, 1.0f, -1.5f, 3.1415927f, 1e-40f, 1e30f, -7.75f, 0.3333333f, inf, -inf, std::nanf("")});
  compare_with_host<doubles>({0.0, -0.0, 1.0, -1.5, 3.141592653589793, 1e-310, 1e300, -7.75, 1.0 / 3});
}

TEST_CASE("operations on bits") {
  const std::vector<std::uint32_t> x{0, 1, 0x80000000u, 0xDEADBEEFu, 0xFFFFFFFFu, 12345};
  const array<std::uint32_t> in{x}, out{6 * x.size()};
  bit_operations<<<1, 32>>>(in.data, out.data, static_cast<int>(x.size()));
  const auto r = out.values();
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    CHECK(r[6 * i] == static_cast<std::uint32_t>(__builtin_popcount(x[i])));
    CHECK(r[6 * i + 1] == (x[i] == 0 ? 32u : static_cast<std::uint32_t>(__builtin_clz(x[i]))));
    std::uint32_t reversed = 0;
    for (int k = 0; k < 32; ++k) reversed |= (x[i] >> k & 1) << (31 - k);
    CHECK(r[6 * i + 2] == reversed);
    CHECK(r[6 * i + 3] == ((x[i] & 0x00FFFFFFu) | (~x[i] & 0xFF000000u)));
    CHECK(r[6 * i + 4] == static_cast<std::uint32_t>((x[i] | std::uint64_t{~x[i]} << 32) << (x[i] & 31) >> 32));
    CHECK(r[6 * i + 5] == static_cast<std::uint32_t>(std::uint64_t{x[i]} * 0x9E3779B9u >> 32));
  }
}

TEST_CASE("functions of the device's library") {
  const std::vector<float> x{0, 0.5f, -0.5f, 1, -3, 7.25f, -20, 1e-3f, 30};
  const array<float> in{x}, out{8 * x.size()};
  functions<<<1, 32>>>(in.data, out.data, static_cast<int>(x.size()));
  const auto r = out.values();
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    const double v = x[i], positive = std::abs(v) + 0.1f;
    CHECK(r[8 * i] == doctest::Approx(std::exp(v)).epsilon(1e-6));
    CHECK(r[8 * i + 1] == doctest::Approx(std::log(positive)).epsilon(1e-6));
    CHECK(r[8 * i + 2] == doctest::Approx(std::tanh(v)).epsilon(1e-6));
    CHECK(r[8 * i + 3] == doctest::Approx(std::sin(v)).epsilon(1e-5));
    CHECK(r[8 * i + 4] == doctest::Approx(std::cos(v)).epsilon(1e-5));
    CHECK(r[8 * i + 5] == doctest::Approx(std::pow(positive, 1.5)).epsilon(1e-5));
    CHECK(r[8 * i + 6] == doctest::Approx(1 / std::sqrt(positive)).epsilon(1e-6));
    CHECK(r[8 * i + 7] == doctest::Approx(std::exp(v)).epsilon(1e-5));
  }
}

TEST_CASE("calls and tables of jumps") {
  const array<int> out{64};
  choices<<<1, 64>>>(out.data);
  const auto r = out.values();
  for (int i = 0; i < 64; ++i) {
    const int expected[] = {i + 10, i * 3, i - 7, i ^ 5, i << 2, -i, 0};
    CHECK(r[static_cast<std::size_t>(i)] == expected[i % 7]);
  }
}

TEST_CASE("lanes exchange values") {
  const array<int> out{32 * 8};
  exchange<<<1, 32>>>(out.data);
  const auto r = out.values();
  for (int lane = 0; lane < 32; ++lane) {
    const int* const mine = r.data() + lane * 8;
    CHECK(mine[0] == (lane ^ 5));
    CHECK(mine[1] == (lane < 3 ? lane : lane - 3));
    CHECK(mine[2] == (lane % 8 < 5 ? lane + 3 : lane));
    CHECK(mine[3] == lane / 16 * 16 + 2);
    CHECK(mine[4] == 0x49249249);
    CHECK(mine[5] == 1);
    CHECK(mine[6] == static_cast<int>(0xFFu << (lane / 8 * 8)));
    CHECK(mine[7] == (lane < 12 ? lane ^ 1 : 0));
  }
  const array<int> steps{32};
  loop_by_lane<<<1, 32>>>(steps.data);
  const auto s = steps.values();
  for (int lane = 0; lane < 32; ++lane) {
    int expected = 0;
    for (int k = lane; k > 0; k /= 2) ++expected;
    CHECK(s[static_cast<std::size_t>(lane)] == expected * 100 + 5);
  }
}

TEST_CASE("threads of a block share memory and meet at barriers") {
  std::vector<int> x(256);
  std::iota(x.begin(), x.end(), 0);
  const array<int> in{x}, out{2};
  block_sum<<<1, 256, 256 * sizeof(int)>>>(in.data, out.data, out.data + 1);
  CHECK(out.values() == std::vector{255 * 128, 128});
}

TEST_CASE("atomic operations") {
  const array<int> r{std::vector<int>{0, 0, 0, 0, 0}};
  const array<float> f{std::vector<float>{0}};
  atomics<<<3, 64>>>(r.data, f.data);
  const auto found = r.values();
  CHECK(found[0] == 192);
  CHECK(found[1] == 63);
  CHECK(found[2] == -63);
  CHECK(found[3] == 255);
  CHECK(found[4] > 0);
  CHECK(f.values() == std::vector{96.0f});
}

TEST_CASE("blocks of a cooperative grid wait for one another") {
  std::vector<int> x(4 * 64);
  std::iota(x.begin(), x.end(), 0);
  const array<int> values{x};
  int* data = values.data;
  int rounds = 10;
  void* arguments[] = {&data, &rounds};
  check(cudaLaunchCooperativeKernel(rotate, dim3{4}, dim3{64}, arguments));
  const auto found = values.values();
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(found[i] == static_cast<int>((i + 10) % x.size()));
  CHECK(cudaLaunchCooperativeKernel(rotate, dim3{100000}, dim3{64}, arguments) == cudaErrorCooperativeLaunchTooLarge);
  cudaGetLastError();
}

TEST_CASE("memory starts as NaN") {
  const array<float> x{1}, r{2};
  uninitialized<<<1, 1>>>(r.data, x.data);
  for (const float v : r.values()) CHECK(std::isnan(v));
}

TEST_CASE("blocks and warps run in the order that is asked for") {
  const array<int> counter{std::vector<int>{0}}, r{6};
  order<<<3, 64>>>(counter.data, r.data);
  const auto found = r.values();
  for (int i = 0; i < 6; ++i) CHECK(found[static_cast<std::size_t>(i)] == (is_reversed() ? 5 - i : i));
}

TEST_CASE("variables of the device") {
  const array<float> r{3};
  const int seven = 7;
  check(cudaMemcpyToSymbol(a_variable, &seven, sizeof seven));
  read_variables<<<1, 3>>>(r.data);
  CHECK(r.values() == std::vector{10.5f, -14.0f, 28.0f});
}

TEST_CASE("a stream runs as late as it may") {
  const array<int> x{std::vector<int>{1}};
  const pinned found{0};
  const stream mine, blocking{cudaStreamDefault};
  add<<<1, 1, 0, mine.handle>>>(x.data, 1);
  check(cudaMemcpyAsync(found.data, x.data, sizeof(int), cudaMemcpyDeviceToHost, mine.handle));
  CHECK(*found.data == 0);
  // Another stream, and the legacy stream, do not wait for a stream of its own.
  check(cudaStreamSynchronize(blocking.handle));
  check(cudaStreamSynchronize(nullptr));
  CHECK(*found.data == 0);
  check(cudaStreamSynchronize(mine.handle));
  CHECK(*found.data == 2);
  // The legacy stream waits for a blocking one.
  add<<<1, 1, 0, blocking.handle>>>(x.data, 5);
  check(cudaMemcpy(found.data, x.data, sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(*found.data == 7);
}

TEST_CASE("a copy from pageable memory takes the bytes at once, one from pinned memory does not") {
  const array<int> x{std::vector<int>{1}}, y{std::vector<int>{1}};
  const stream mine;
  int pageable = 5;
  const pinned late{5};
  check(cudaMemcpyAsync(x.data, &pageable, sizeof(int), cudaMemcpyHostToDevice, mine.handle));
  check(cudaMemcpyAsync(y.data, late.data, sizeof(int), cudaMemcpyHostToDevice, mine.handle));
  pageable = *late.data = 6;
  check(cudaStreamSynchronize(mine.handle));
  CHECK(x.values() == std::vector{5});
  CHECK(y.values() == std::vector{6});
}

TEST_CASE("events order streams") {
  const array<int> x{std::vector<int>{1}};
  const stream first, second;
  cudaEvent_t done;
  check(cudaEventCreate(&done));
  add<<<1, 1, 0, first.handle>>>(x.data, 1);
  check(cudaEventRecord(done, first.handle));
  check(cudaStreamWaitEvent(second.handle, done, 0));
  multiply<<<1, 1, 0, second.handle>>>(x.data, 10);
  check(cudaStreamSynchronize(second.handle));
  CHECK(x.values() == std::vector{20});
  check(cudaEventSynchronize(done));
  check(cudaEventDestroy(done));
}

TEST_CASE("a graph holds what several streams recorded, and runs as often as it is launched") {
  const array<int> x{std::vector<int>{1}};
  const stream first, second;
  cudaEvent_t fork, join;
  check(cudaEventCreate(&fork));
  check(cudaEventCreate(&join));
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t step = nullptr;
  check(cudaStreamBeginCapture(first.handle, cudaStreamCaptureModeThreadLocal));
  add<<<1, 1, 0, first.handle>>>(x.data, 1);
  check(cudaEventRecord(fork, first.handle));
  check(cudaStreamWaitEvent(second.handle, fork, 0));
  multiply<<<1, 1, 0, second.handle>>>(x.data, 2);
  check(cudaEventRecord(join, second.handle));
  check(cudaStreamWaitEvent(first.handle, join, 0));
  check(cudaStreamEndCapture(first.handle, &graph));
  std::size_t nodes = 0;
  check(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(nodes == 2);
  check(cudaGraphInstantiate(&step, graph, 0));
  check(cudaGraphDestroy(graph));
  CHECK(x.values() == std::vector{1});
  for (int k = 0; k < 3; ++k) check(cudaGraphLaunch(step, first.handle));
  check(cudaStreamSynchronize(first.handle));
  CHECK(x.values() == std::vector{((1 + 1) * 2 + 1) * 2 * 2 + 2});
  check(cudaGraphExecDestroy(step));
  check(cudaEventDestroy(fork));
  check(cudaEventDestroy(join));
}

TEST_CASE("a recording refuses what CUDA refuses") {
  const array<int> x{std::vector<int>{1}};
  const stream mine, other, blocking{cudaStreamDefault};
  cudaGraph_t graph = nullptr;
  // Calls that wait or allocate spoil the recording.
  const auto spoils = [&](cudaStream_t s, cudaError_t expected, auto call) {
    check(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
    add<<<1, 1, 0, s>>>(x.data, 1);
    CHECK(call() == expected);
    CHECK(cudaStreamEndCapture(s, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(graph == nullptr);
    cudaGetLastError();
  };
  int* more = nullptr;
  spoils(mine.handle, cudaErrorStreamCaptureUnsupported, [&] { return cudaMalloc(&more, 4); });
  spoils(mine.handle, cudaErrorStreamCaptureUnsupported, [&] { return cudaFree(x.data); });
  spoils(mine.handle, cudaErrorStreamCaptureUnsupported, [&] { return cudaStreamSynchronize(mine.handle); });
  spoils(mine.handle, cudaErrorStreamCaptureUnsupported, [&] { return cudaDeviceSynchronize(); });
  spoils(blocking.handle, cudaErrorStreamCaptureImplicit, [&] { return cudaMemset(x.data, 0, 4); });
  // A stream that took part and was not joined again.
  cudaEvent_t fork;
  check(cudaEventCreate(&fork));
  check(cudaStreamBeginCapture(mine.handle, cudaStreamCaptureModeThreadLocal));
  check(cudaEventRecord(fork, mine.handle));
  check(cudaStreamWaitEvent(other.handle, fork, 0));
  add<<<1, 1, 0, other.handle>>>(x.data, 1);
  CHECK(cudaStreamEndCapture(mine.handle, &graph) == cudaErrorStreamCaptureUnjoined);
  // An event from outside.
  check(cudaEventRecord(fork, other.handle));
  spoils(mine.handle, cudaErrorStreamCaptureIsolation, [&] { return cudaStreamWaitEvent(mine.handle, fork, 0); });
  check(cudaEventDestroy(fork));
  CHECK(x.values() == std::vector{1});
}

TEST_CASE("launches that no device accepts") {
  const array<int> x{std::vector<int>{1}};
  add<<<1, 2000>>>(x.data, 1);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  add<<<0, 1>>>(x.data, 1);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  add<<<1, 1, 100 << 10>>>(x.data, 1);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  check(cudaFuncSetAttribute(add, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10));
  add<<<1, 1, 100 << 10>>>(x.data, 1);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(x.values() == std::vector{2});
}

TEST_CASE("memory is limited, and comes back") {
  std::size_t before = 0, all = 0, left = 0;
  check(cudaMemGetInfo(&before, &all));
  void* p = nullptr;
  CHECK(cudaMalloc(&p, all + 1) == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaSuccess);
  check(cudaMalloc(&p, 1000));
  check(cudaMemGetInfo(&left, &all));
  CHECK(left == before - 1000);
  check(cudaFree(p));
  CHECK(cudaFree(p) == cudaErrorInvalidValue);
  cudaGetLastError();
  check(cudaMemGetInfo(&left, &all));
  CHECK(left == before);
}

// The programs below are run by themselves, with a variable of the environment.

TEST_CASE("injected: every call fails from the second synchronization on" * doctest::skip()) {
  const array<int> x{1};
  check(cudaDeviceSynchronize());
  CHECK(cudaStreamSynchronize(nullptr) == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(cudaFree(x.data) == cudaErrorIllegalAddress);
  add<<<1, 1>>>(x.data, 1);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
}

TEST_CASE("injected: the third allocation fails" * doctest::skip()) {
  void *a = nullptr, *b = nullptr, *c = nullptr;
  check(cudaMalloc(&a, 4));
  check(cudaMallocAsync(&b, 4, nullptr));
  CHECK(cudaMalloc(&c, 4) == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  check(cudaMalloc(&c, 4));
}
