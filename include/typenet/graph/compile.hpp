// SPDX-License-Identifier: MIT
/// @file
/// The passes that turn a network's type into what the runtime executes, in order. Each pass is a header of its own; all of them run while
/// the program is compiled.
///
/// 1. **lower** (graph/lower.hpp) walks the tree of layers and compositions. It checks each layer against the shape that reaches it, and
///    lists the operations: a layer, the addition at the end of a residual, a copy, or the joining of a branch into a concatenation. Each
///    operation reads and writes numbered values; value 0 is the input (graph/ir.hpp). A layer that does not fit ends the compilation here
///    with one message.
/// 2. **fuse** (graph/fuse.hpp) replaces neighbouring operations that can run as one chain by one operation, whose layer is `fused`
///    (kernels/chain.hpp). It finds chains by the roles that the layers take (layer/fusion_role.hpp). Backends that fuse no layers skip it.
/// 3. **memory plan** (graph/memory_plan.hpp) places every value in an arena of one lane group, lets layers that may overwrite their input do
///    so, and decides which gradients are written and which are added to.
/// 4. **tensor layout** (graph/compiled_network.hpp) gives every parameter and buffer an aligned offset in its arena, and every layer its
///    scratch memory. graph/names.hpp adds PyTorch's names, for programs and files; kernels do not see them.
/// 5. **schedule** (graph/schedule.hpp) orders the parts of a training step for executions that give each lane group to a thread: what runs
///    group by group, and where all threads wait for one another. Other executions run operation by operation.
///
/// What comes out is a `compiled_network`. runtime/executor.hpp runs one operation after another; runtime/grouped_executor.hpp follows the
/// schedule.
#pragma once

#include <typenet/core/shape.hpp>
#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/fuse.hpp>
#include <typenet/graph/lower.hpp>
#include <typenet/graph/memory_plan.hpp>
#include <typenet/graph/schedule.hpp>

namespace typenet::detail {

/// The results of the passes for a network whose lowering (pass 1) is `Lowered`.
template <shape In, class Lowered>
struct compile {
  /// Each layer by itself.
  using unfused = compiled_network<In, typename Lowered::ops, Lowered::out, Lowered::value, Lowered::next>;
  /// Chains of layers as one operation (pass 2).
  using fused =
      compiled_network<In, typename fuse<typename Lowered::ops, Lowered::value>::type, Lowered::out, Lowered::value, Lowered::next>;
};

}  // namespace typenet::detail
