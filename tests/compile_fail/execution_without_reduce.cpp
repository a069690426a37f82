// SPDX-License-Identifier: MIT
// A backend whose execution has no reductions. The rest of the program compiles as if it had them.
//
// expect: typenet::backend_error<my_backend, typenet::needs::an_execution ?>
// expect[c++26]: typenet: my_backend needs a member type execution as the concept typenet::execution asks, with its own scalar and lanes
#include <typenet/typenet.hpp>

namespace tn = typenet;

struct my_backend : tn::eigen_backend<double> {
  struct execution : tn::eigen_backend<double>::execution {
#ifdef TYPENET_ILL_FORMED
    void reduce();
#endif
  };
};

using network = tn::network<tn::input<4>, tn::linear<10>>;

tn::model<network, my_backend>::output_type predict(tn::model<network, my_backend>& model, std::span<const double> sample) {
  model.set_threads(2);
  return model.predict(sample);
}
