// SPDX-License-Identifier: MIT
// A residual whose body flattens the image.
//
// expect: typenet::at<0>, typenet::residual<typenet::flatten>, typenet::needs::body_output<4, 8, 8>, typenet::got<256> ?>
// expect[c++26]: typenet: layer 0, residual<flatten> needs a body whose output is 4x8x8. it got 256
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network = tn::network<tn::input<4, 8, 8>, tn::residual<tn::flatten>>;
#else
using network = tn::network<tn::input<4, 8, 8>, tn::residual<tn::relu>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
