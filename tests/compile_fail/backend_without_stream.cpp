// SPDX-License-Identifier: MIT
// A backend without a stream. The rest of the program compiles as if it had one.
//
// expect: typenet::backend_error<my_backend, typenet::needs::a_stream ?>
// expect[c++26]: typenet: my_backend needs member types recording and stream as the concept typenet::backend asks
#include <typenet/typenet.hpp>

namespace tn = typenet;

struct my_backend : tn::cpu {
#ifdef TYPENET_ILL_FORMED
  using stream = void;
#endif
};

using network = tn::network<tn::input<4>, tn::linear<10>>;

void train(tn::model<network, my_backend>& model, const tn::tensor_dataset<tn::shape{4}, 10>& data, std::span<const float> sample) {
  tn::fit(model, data, tn::cross_entropy{}, tn::sgd{});
  tn::evaluate(model, data);
  model.predict(sample);
}
