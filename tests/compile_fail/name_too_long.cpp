// SPDX-License-Identifier: MIT
// A parameter name longer than 79 characters, counted with its dot and "weight".
//
// expect: typenet: a parameter's name is longer than 79 characters. shorten the words in named<>
// expect[c++26]: typenet: a parameter's name is longer than 79 characters. shorten the words in named<>
#include <typenet/declarative.hpp>

namespace tn = typenet;

#ifdef TYPENET_ILL_FORMED
using network =
    tn::network<tn::input<8>, tn::named<"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", tn::linear<8>>>;
#else
using network =
    tn::network<tn::input<8>, tn::named<"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", tn::linear<8>>>;
#endif

inline constexpr tn::index parameters = network::parameter_count;
