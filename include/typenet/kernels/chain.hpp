// SPDX-License-Identifier: MIT
/// @file
/// Chains: neighboring layers that run as one operation, and so touch memory less often than they would one by one.
///
/// **The stages.** A chain is a producer (a convolution), a normalization over the batch, an activation and a pool, in this order. Some may
/// be missing; `identity_stage` stands in their place. Each stage is the only reader of the stage before it. Layers say which stage they
/// can be (`fusion_role`, layer/fusion_role.hpp); the chain knows no layer by name. graph/fuse.hpp finds the chains of a network.
///
/// **What is stored.** One by one, the four layers would write four arrays and read them again. A chain writes the producer's output once,
/// and its own output once. Normalization, activation and pool are cheap: the chain recomputes them in registers wherever they are needed.
/// With a max pool it also stores one *candidate* for each pooling window: the number, of the producer's output, that the pool's output
/// comes from. Until the gradient of the producer's output is due, nothing reads the other numbers.
///
/// **The forward pass** of a training step:
/// 1. *local*: the producer computes its output tile by tile. While a tile is in the cache, its sums for the statistics are taken, and its
///    candidates are selected. This is possible before the statistics are known: under a monotonic activation, the largest output of a
///    window comes from the window's largest number, or from the smallest where the normalization's scale is negative.
/// 2. *reduce*: the sums of all tiles become the statistics of the batch.
/// 3. *apply*: each number, or each window's candidate, is loaded, normalized, activated, pooled and written in one go.
///
/// In inference the statistics are known: producer and *apply* run together, row by row.
///
/// **The backward pass** of a training step:
/// 1. *local*: it recomputes the activation's input and sums the gradients of the normalization's parameters. With kept candidates it reads
///    one number for each window.
/// 2. *reduce*: the sums of all rows become the gradients of the normalization's parameters.
/// 3. *apply*: it computes the gradient of the producer's output, and writes it over the producer's output, which nothing reads any more.
/// 4. The producer's own backward pass follows.
///
/// The results differ from those of the layers one by one only in the order of the sums over a batch.
///
/// **The headers.** chain/identity_stage.hpp has the missing stages, chain/layout.hpp the memory and the tiles, chain/statistics.hpp the
/// sums and statistics, chain/forward.hpp and chain/backward.hpp the kernels, chain/fused.hpp the layer.
#pragma once

#include <typenet/kernels/chain/fused.hpp>
#include <typenet/kernels/chain/identity_stage.hpp>
