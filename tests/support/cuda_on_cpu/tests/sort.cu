// SPDX-License-Identifier: MIT
// Sorts keys with their numbers by Thrust, as the backend shuffles data sets: from one tile of a block to passes over many blocks.
#include <doctest/doctest.h>

#include <cuda_runtime.h>
#include <thrust/execution_policy.h>
#include <thrust/sort.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

TEST_CASE("a stable sort by key is the host's") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{70000}}) {
    CAPTURE(size);
    std::vector<std::uint64_t> keys(size);
    std::vector<std::uint32_t> places(size);
    for (std::size_t i = 0; i < size; ++i) keys[i] = (i * 0x9E3779B97F4A7C15u >> 20) % 5000;
    std::iota(places.begin(), places.end(), 0u);
    std::vector<std::uint32_t> expected = places;
    std::stable_sort(expected.begin(), expected.end(), [&](std::uint32_t a, std::uint32_t b) { return keys[a] < keys[b]; });

    std::uint64_t* device_keys = nullptr;
    std::uint32_t* device_places = nullptr;
    cudaStream_t stream;
    REQUIRE(cudaMalloc(&device_keys, size * sizeof *device_keys) == cudaSuccess);
    REQUIRE(cudaMalloc(&device_places, size * sizeof *device_places) == cudaSuccess);
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    cudaMemcpyAsync(device_keys, keys.data(), size * sizeof *device_keys, cudaMemcpyHostToDevice, stream);
    cudaMemcpyAsync(device_places, places.data(), size * sizeof *device_places, cudaMemcpyHostToDevice, stream);
    thrust::stable_sort_by_key(thrust::cuda::par_nosync.on(stream), device_keys, device_keys + size, device_places);
    cudaMemcpyAsync(places.data(), device_places, size * sizeof *device_places, cudaMemcpyDeviceToHost, stream);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(places == expected);
    cudaStreamDestroy(stream);
    cudaFree(device_places);
    cudaFree(device_keys);
  }
}
