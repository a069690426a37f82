// SPDX-License-Identifier: MIT
// The limit of memory. A batch size that exceeds it is refused before anything is computed.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <typenet/core/config.hpp>
#include <typenet/core/error.hpp>
#include <typenet/summary.hpp>

namespace lenet5 {

/// Bytes of memory that this process may use: those of the machine, or fewer under `ulimit -v`.
inline typenet::index memory_bytes() {
  typenet::index bytes = typenet::index{sysconf(_SC_PHYS_PAGES)} * typenet::index{sysconf(_SC_PAGESIZE)};
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bytes = std::min(bytes, static_cast<typenet::index>(std::min<rlim_t>(limit.rlim_cur, rlim_t{1} << 62)));
  return bytes;
}

/// Bytes that training of a model takes for a batch: values, gradients, scratch memory, and two buffers of samples.
template <class Model>
constexpr typenet::index training_bytes(typenet::index batch) {
  using network = typename Model::network;
  using backend = typename Model::backend;
  const typenet::index samples = network::padded_batch(batch, backend::lanes) * Model::inputs;
  return network::template activation_bytes<backend>(batch) + network::template workspace_bytes<backend>(batch) +
         2 * samples * typenet::index{sizeof(typename Model::scalar)};
}

/// Refuses a batch size that needs more memory than `memory` bytes.
/// @throws typenet::argument_error that names the bytes needed and the largest batch size that is possible
template <class Model>
void require_memory(typenet::index batch, typenet::index memory) {
  const typenet::index bytes = training_bytes<Model>(batch);
  if (bytes <= memory) return;
  typenet::index fits = 0, too_many = batch;  // bisection
  while (too_many - fits > 1) {
    const typenet::index middle = fits + (too_many - fits) / 2;
    (training_bytes<Model>(middle) <= memory ? fits : too_many) = middle;
  }
  throw typenet::argument_error("--batch-size " + std::to_string(batch) + " needs " + typenet::detail::readable_bytes(bytes) +
                                " of memory, and there are " + typenet::detail::readable_bytes(memory) + "; at most " +
                                std::to_string(fits) + " is possible");
}

}  // namespace lenet5
