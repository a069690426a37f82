// SPDX-License-Identifier: MIT
// Runs the tests where there is a device; ends with 77, which counts as skipped, where there is none.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cuda_runtime.h>

#include <cstdio>

int main(int count, char** arguments) {
  int devices = 0;
  const cudaError_t answer = cudaGetDeviceCount(&devices);
  if (answer == cudaErrorNoDevice || answer == cudaErrorInsufficientDriver || (answer == cudaSuccess && devices == 0)) {
    std::printf("skipped: no CUDA device (%s)\n", cudaGetErrorString(answer));
    return 77;
  }
  // Anything else is a failure of a device that is there.
  if (answer != cudaSuccess) {
    std::printf("looking for a CUDA device: %s\n", cudaGetErrorString(answer));
    return 1;
  }
  return doctest::Context{count, arguments}.run();
}
