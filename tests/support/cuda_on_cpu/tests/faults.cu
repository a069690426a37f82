// SPDX-License-Identifier: MIT
// Commits the fault that its argument names. cuda_on_cpu must end the program with a message that says what was wrong and where; CTest
// compares the message. Each kernel is small, and a check that does not find its fault lets the program end with 0.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

__global__ void write_at(float* x, long i) { x[i] = 1; }

__global__ void write_behind_pointer(char* x) { *reinterpret_cast<float*>(x + 2) = 1; }

__global__ void write_shared(float* x, int i) {
  __shared__ float part[32];
  part[threadIdx.x + static_cast<unsigned>(i)] = 1;
  __syncthreads();
  x[threadIdx.x] = part[31 - threadIdx.x];
}

/// The lanes of a warp part, and half of them shuffle in the name of all.
__global__ void shuffle_in_part(float* x) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 16)
    v = __shfl_xor_sync(0xFFFFFFFFu, v, 1);
  else
    __syncthreads();
  x[threadIdx.x] = v;
}

/// Lane 0 reads from a lane that its mask does not name.
__global__ void shuffle_from_outside(float* x) {
  if (threadIdx.x < 16) x[threadIdx.x] = __shfl_sync(0x0000FFFFu, x[threadIdx.x], 20);
}

__global__ void barriers_at_two_places(float* x) {
  if (threadIdx.x < 32) {
    x[threadIdx.x] = 1;
    __syncthreads();
  } else {
    x[threadIdx.x] = 2;
    __syncthreads();
    x[threadIdx.x] += 1;
  }
}

/// One warp waits for 64 threads at a barrier where the other never comes.
__global__ void wait_for_absent(float* x) {
  if (threadIdx.x < 32) asm volatile("bar.sync 1, 64;" ::: "memory");
  x[threadIdx.x] = 1;
}

__global__ void spin(volatile int* flag) {
  while (*flag == 0) {
  }
}

__global__ void divide(const int* x, int* y) { y[threadIdx.x] = y[x[threadIdx.x]]; }

__global__ void trap() { __trap(); }

__global__ void print(int i) { printf("%d\n", i); }

float* floats(int count) {
  float* x = nullptr;
  if (cudaMalloc(&x, static_cast<std::size_t>(count) * sizeof(float)) != cudaSuccess) std::exit(2);
  return x;
}

void commit(const char* fault) {
  const auto is = [&](const char* name) { return std::strcmp(fault, name) == 0; };
  float* const x = floats(100);
  if (is("behind_the_end")) {
    write_at<<<1, 1>>>(x, 100);
  } else if (is("before_the_start")) {
    write_at<<<1, 1>>>(x, -1);
  } else if (is("null")) {
    write_at<<<1, 1>>>(nullptr, 3);
  } else if (is("host_memory")) {
    static float here[4];
    write_at<<<1, 1>>>(here, 0);
  } else if (is("freed")) {
    cudaFree(x);
    write_at<<<1, 1>>>(x, 7);
  } else if (is("freed_after_recording")) {
    // A recorded step that outlives its memory.
    cudaStream_t s;
    cudaGraph_t graph;
    cudaGraphExec_t step;
    cudaStreamCreate(&s);
    cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal);
    write_at<<<1, 1, 0, s>>>(x, 7);
    cudaStreamEndCapture(s, &graph);
    cudaGraphInstantiate(&step, graph, 0);
    cudaFree(x);
    cudaGraphLaunch(step, s);
  } else if (is("freed_while_a_copy_waits")) {
    float* const y = floats(100);
    cudaStream_t s;
    cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
    cudaMemcpyAsync(x, y, 400, cudaMemcpyDeviceToDevice, s);
    cudaFreeAsync(y, nullptr);
    cudaStreamSynchronize(nullptr);
  } else if (is("misaligned")) {
    write_behind_pointer<<<1, 1>>>(reinterpret_cast<char*>(x));
  } else if (is("shared_range")) {
    write_shared<<<1, 32>>>(x, 1);
  } else if (is("shuffle_in_part")) {
    shuffle_in_part<<<1, 32>>>(x);
  } else if (is("shuffle_from_outside")) {
    shuffle_from_outside<<<1, 32>>>(x);
  } else if (is("barriers_at_two_places")) {
    barriers_at_two_places<<<1, 64>>>(x);
  } else if (is("deadlock")) {
    wait_for_absent<<<1, 64>>>(x);
  } else if (is("endless")) {
    cudaMemset(x, 0, 4);
    spin<<<1, 1>>>(reinterpret_cast<int*>(x));
  } else if (is("uninitialized_index")) {
    divide<<<1, 1>>>(reinterpret_cast<int*>(x), reinterpret_cast<int*>(x));
  } else if (is("trap")) {
    trap<<<1, 1>>>();
  } else if (is("unknown_call")) {
    print<<<1, 1>>>(1);
  } else if (is("copy_too_long")) {
    static float here[101];
    cudaMemcpy(x, here, sizeof here, cudaMemcpyHostToDevice);
  } else if (is("copy_from_wrong_side")) {
    static float here[100];
    cudaMemcpy(here, x, sizeof here, cudaMemcpyHostToDevice);
  } else if (is("destroyed_stream")) {
    cudaStream_t s;
    cudaStreamCreate(&s);
    cudaStreamDestroy(s);
    write_at<<<1, 1, 0, s>>>(x, 1);
  } else {
    std::printf("%s is no fault that this program knows\n", fault);
    std::exit(3);
  }
  const cudaError_t answer = cudaDeviceSynchronize();
  std::printf("%s was not found: %s\n", fault, cudaGetErrorString(answer));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::printf("usage: %s <fault>\n", arguments[0]);
    return 3;
  }
  commit(arguments[1]);
  return 0;
}
