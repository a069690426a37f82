// SPDX-License-Identifier: MIT
// Runs the tests on a CUDA device. Without a device, exits with 77, which CTest reports as skipped.
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
  // Any other status is an error of an existing device.
  if (answer != cudaSuccess) {
    std::printf("looking for a CUDA device: %s\n", cudaGetErrorString(answer));
    return 1;
  }
  return doctest::Context{count, arguments}.run();
}
