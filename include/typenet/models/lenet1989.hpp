// SPDX-License-Identifier: MIT
/// @file
/// The table of the network of 1989 (LeCun et al. 1989): the connections of layer H2.
#pragma once

#include <typenet/layer/connection_table.hpp>

namespace typenet {

/// Which 8 of the 12 maps of H1 (rows) feed each of the 12 of H2 (columns) in the network of 1989, in A. Karpathy's reading of LeCun et al.
/// 1989, which says no more than that each sees eight.
inline constexpr connection_table<12, 12> lenet1989_h2{{{1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1},
                                                        {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1}}};

}  // namespace typenet
