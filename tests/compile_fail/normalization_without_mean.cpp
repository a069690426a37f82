// SPDX-License-Identifier: MIT
// A layer with the role normalization but without the member `mean`, which a fused chain calls.
//
// expect: typenet::role_error<wrapped_norm, typenet::needs::everything_of_a_normalization ?>
// expect[c++26]: typenet: wrapped_norm needs all that the concept typenet::normalization_layer asks for, since it says that this is its role
#include <typenet/declarative.hpp>

namespace tn = typenet;

struct wrapped_norm : tn::batch_norm<> {
#ifdef TYPENET_ILL_FORMED
  template <class Pack, class Data>
  static Pack mean(const Data&, tn::index) = delete;
#endif
};

inline constexpr tn::index parameters = tn::network<tn::input<1, 8, 8>, tn::conv2d<2, 3>, wrapped_norm, tn::relu>::parameter_count;
