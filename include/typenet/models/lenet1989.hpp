// SPDX-License-Identifier: MIT
/// @file
/// The table of the zip code network (LeCun et al. 1989): the connections of layer H2.
#pragma once

#include <typenet/layer/connection_table.hpp>

namespace typenet {

/// The connections from the 12 feature maps of layer H1 (rows) to the 12 of layer H2 (columns). The paper says only that each map of H2
/// reads eight of H1; which eight is Karpathy's choice.
/// @see LeCun et al. 1989; Karpathy 2022, "Deep neural nets: 33 years ago and 33 years from now"
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
