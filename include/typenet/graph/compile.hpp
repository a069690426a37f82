// SPDX-License-Identifier: MIT
/// @file
/// The compiler of networks: the passes that turn a network's type into what the runtime executes, in order. Each pass is a header of its
/// own. All passes run while the program is compiled, and this header alone puts them together.
///
/// 1. **lower** (graph/lower.hpp) turns the tree of layers and compositions into a list of operations: a layer, the addition at the end of
///    a residual, a copy, or the join of a branch into a concatenation. Each operation reads and writes numbered values; value 0 is the
///    network's input (graph/ir.hpp). The pass checks each layer against its input's shape. The first layer that does not fit ends the
///    compilation with one message.
/// 2. **fuse** (graph/fuse.hpp) replaces neighbouring operations that can run as one chain by one operation, whose layer is `fused`
///    (kernels/chain.hpp). It finds chains by the layers' roles (layer/fusion_role.hpp). Backends that fuse no layers skip it.
/// 3. **memory plan** (graph/memory_plan.hpp) places every value in an arena of one lane group, lets in-place layers overwrite their input,
///    and decides which gradients are written and which are added to.
/// 4. **tensor layout** (graph/compiled_network.hpp) gives every parameter and buffer an aligned offset in its arena, and every layer its
///    scratch memory.
/// 5. **schedule** (graph/schedule.hpp) orders the work of a training step for executions that give each lane group to a thread: what runs
///    group by group, and where all threads wait for one another. Executions of other kinds skip it.
///
/// The result is a `compiled_network` and its `schedule`. runtime/executor.hpp runs one operation after another;
/// runtime/grouped_executor.hpp follows the schedule. Programs and files also need the names of tensors, which graph/names.hpp finds in the
/// tree of layers.
#pragma once

#include <typenet/graph/compiled_network.hpp>
#include <typenet/graph/fuse.hpp>
#include <typenet/graph/lower.hpp>
#include <typenet/graph/schedule.hpp>

namespace typenet::detail {

/// Pass 1: the operations of a network, a `lowered`; or an `ill_formed`, which says why there are none.
template <class Input, class... Layers>
using lower_t = typename lower_network<Input, Layers...>::type;

/// Passes 2 to 5.
/// @tparam Input the network's `input`
/// @tparam Lowered the result of pass 1, a `lowered`
template <class Input, class Lowered>
struct compile {
 private:
  /// Passes 3 and 4: a `compiled_network` makes its memory plan and its tensor layout when they are first used.
  template <class Ops>
  using plan = compiled_network<Input::value, Ops, Lowered::out, Lowered::value, Lowered::next>;

 public:
  /// Each layer by itself.
  using unfused = plan<typename Lowered::ops>;
  /// Pass 2: each chain of layers as one operation.
  using fused = plan<typename fuse<typename Lowered::ops, Lowered::value>::type>;

  /// Pass 5, for `unfused` or `fused`.
  template <class Compiled>
  using schedule = detail::schedule<Compiled>;
};

}  // namespace typenet::detail
